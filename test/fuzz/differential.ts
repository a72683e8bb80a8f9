/**
 * Compares the reader of `Node/Transport` with undici and with Node's own parser, without a socket: all get the same bytes in the
 * same pieces. They must give the same result, or one of them must refuse the response for a reason of the lists below. A separate
 * check of the bytes must confirm that reason.
 */
import * as Effect from "effect/Effect"
import * as Client from "../../src/Node/Transport/http1/client.js"
import type { Connect } from "../../src/Node/Transport/sockets.js"
import { openWith } from "../support/transport/exchange.js"
import { read as readByNode } from "./nodeReader.js"
import type { Reading } from "./reference.js"
import { caseOf, type FuzzCase } from "./responses.js"
import { read as readByUndici } from "./undiciReader.js"

export interface Verdict {
  readonly seed: number
  readonly reference: Reference
  readonly how: "agreed" | "stricter" | "laxer" | "disagreed"
  /** If they disagreed. */
  readonly detail: string
}

const references = { undici: readByUndici, node: readByNode }

export type Reference = keyof typeof references

const request = { url: "http://origin.test/file", headers: { accept: "*/*" } }
const connectMillis = 10_000
const reset = () => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })

/** A wire that overwrites received bytes as soon as the contract of the transport allows it. */
const wire =
  (fuzz: FuzzCase): Connect =>
  (_target, events) => {
    let isPaused = false
    let isDestroyed = false
    let isAsked = false
    let isOver = false
    let buffer = events.nextBuffer()
    const pieces = fuzz.pieces.map((piece) => Buffer.from(piece))
    const close = () => {
      isDestroyed = true
      events.onClose()
    }
    let isScheduled = false
    const schedule = () => {
      if (!isScheduled) {
        isScheduled = true
        setImmediate(next)
      }
    }
    const next = () => {
      isScheduled = false
      if (isDestroyed || (isPaused && fuzz.stopsAtOnce)) {
        return
      }
      const piece = pieces.shift()
      if (piece === undefined) {
        if (isPaused || isOver) {
          return
        }
        isOver = true
        if (fuzz.ending === "end") {
          events.onEnd(true)
        } else {
          events.onError(reset())
        }
        return
      }
      const bytes = Math.min(piece.length, buffer.length)
      buffer.fill(0x21)
      buffer.set(piece.subarray(0, bytes))
      if (bytes < piece.length) {
        pieces.unshift(piece.subarray(bytes))
      }
      isPaused = !events.onData(bytes)
      buffer = events.nextBuffer()
      schedule()
    }
    setImmediate(events.onConnect, {
      remoteAddress: undefined,
      lookupMillis: 0,
      connectMillis: 0,
      tlsMillis: undefined
    })
    return {
      stopsAtOnce: fuzz.stopsAtOnce,
      write: () => {
        if (!isAsked) {
          isAsked = true
          schedule()
        }
      },
      resume: () => {
        isPaused = false
        schedule()
      },
      destroy: () => {
        isDestroyed = true
        setImmediate(close)
      },
      watchEnd: () => {},
      ref: () => {}
    }
  }

const turns = (count: number): Effect.Effect<void> =>
  count === 0
    ? Effect.void
    : Effect.zipRight(
        Effect.async<void>((resume) => {
          setImmediate(() => resume(Effect.void))
        }),
        turns(count - 1)
      )

interface OwnReading extends Reading {
  readonly refusal: string
}

const readByOwn = (fuzz: FuzzCase): Effect.Effect<OwnReading> =>
  Effect.acquireUseRelease(
    Effect.sync(() => Client.make({ connectMillis, connect: wire(fuzz) })),
    (client) => {
      let [status, body, chunks, refusal] = [0, "", 0, ""]
      const headers: Record<string, string> = {}
      let lent: Uint8Array | undefined
      const take = (chunk: Uint8Array | undefined) => {
        body += chunk === undefined ? "" : Buffer.from(chunk).toString("latin1")
      }
      return Effect.scoped(
        Effect.gen(function* () {
          const response = yield* openWith(client, request)
          status = response.status
          for (const [name, value] of Object.entries(response.headers)) {
            headers[name] = value ?? ""
          }
          let how: "Ended" | "Paused" = "Paused"
          while (how === "Paused") {
            yield* turns(fuzz.idleTurns)
            take(lent)
            lent = undefined
            how = yield* response.drive((chunk) => {
              if (++chunks % fuzz.pauseEvery === 0) {
                // The chunk is read later, which is allowed until the next one is requested.
                lent = chunk
                return false
              }
              take(chunk)
              return true
            })
          }
          return how
        })
      ).pipe(
        Effect.catchAll((error) => {
          refusal = error._tag === "Protocol" ? error.detail : ""
          return Effect.succeed<string>(error._tag)
        }),
        Effect.timeoutTo({ duration: "60 seconds", onSuccess: (how) => how, onTimeout: () => "hung" }),
        Effect.map((how) => ({ status, headers, body, how, refusal }))
      )
    },
    ({ close }) => close
  )

// Blanks around values and in place of folded lines are not part of a value.
const headOf = ({ headers, status }: Reading): string =>
  [
    `${status}`,
    ...Object.entries(headers)
      .filter(([name]) => name !== "__proto__")
      .map(
        ([name, value]) =>
          `${name}: ${name === "content-length" ? lengthOf(value) : value.replace(/\s+/g, " ").replace(/ ?, ?/g, ",").trim()}`
      )
      .sort()
  ].join("\n")

// A reference returns a list of lengths unchanged.
const lengthOf = (value: string): string => `${Number(value.split(",")[0])}`

const isFailure = ({ how }: Reading): boolean => how !== "Ended"

const isSame = (own: Reading, other: Reading): boolean =>
  own.status === 0 || other.status === 0
    ? own.status === other.status && isFailure(own) && isFailure(other)
    : headOf(own) === headOf(other) &&
      isFailure(own) === isFailure(other) &&
      // Readers may deliver different parts of a broken body.
      (isFailure(own) ? own.body.startsWith(other.body) || other.body.startsWith(own.body) : own.body === other.body)

/** The head, or the beginning of it, with the informational heads before it. */
const headText = (fuzz: FuzzCase): string => {
  const text = Buffer.concat([...fuzz.pieces]).toString("latin1")
  let at = 0
  for (;;) {
    const end = /\r?\n\r?\n/g
    end.lastIndex = at
    const found = end.exec(text)
    if (found === null) {
      return text
    }
    if (!/^HTTP\/1\.\d 1\d\d/.test(text.slice(at))) {
      return text.slice(0, end.lastIndex)
    }
    at = end.lastIndex
  }
}

const fields = (head: string, name: string): ReadonlyArray<string> =>
  [...head.matchAll(new RegExp(`^${name}[ \\t]*:([^\\n]*(?:\\n[ \\t][^\\n]*)*)`, "gim"))].map(
    ([, value]) => value ?? ""
  )

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"

/**
 * Responses that are refused although a reference accepts them, by the detail of the error: ambiguous messages (RFC 9112 §2.2, §5.1,
 * §6.1, §6.3), and a check of the bytes for each.
 */
const stricter: ReadonlyArray<readonly [detail: string, holds: (head: string, text: string) => boolean]> = [
  [
    "its Transfer-Encoding is not chunked alone",
    (head) =>
      fields(head, "transfer-encoding").some((value) => value.trim().toLowerCase() !== "chunked") ||
      fields(head, "transfer-encoding").length > 1 ||
      /^HTTP\/1\.0/m.test(head)
  ],
  [
    "it has a Content-Length and a Transfer-Encoding",
    (head) => fields(head, "transfer-encoding").length > 0 && fields(head, "content-length").length > 0
  ],
  [
    "it has two different Content-Lengths",
    (head) => new Set(fields(head, "content-length").map((value) => value.trim())).size > 1
  ],
  [
    "it has two different Content-Range or ETag fields",
    (head) =>
      ["content-range", "etag"].some((name) => new Set(fields(head, name).map((value) => value.trim())).size > 1)
  ],
  [
    "its Content-Length is no number",
    (head) => fields(head, "content-length").some((value) => !/^[ \t]*\d+[ \t]*$/.test(value.replace(/\r$/, "")))
  ],
  ["a control character in its head", (head) => /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(head)],
  ["a CR without LF in its head", (head) => /\r(?!\n)/.test(head)],
  [
    "a line of its head is no field",
    (head) =>
      head.split(/\r?\n/).some((line) => line !== "" && !/^HTTP\/1/.test(line) && !new RegExp(`^${token}:`).test(line))
  ],
  ["it does not begin with a status line of HTTP/1", (head) => /(?:^|\r?\n\r?\n)(?!HTTP\/1\.\d )[\s\S]/.test(head)],
  ["its status is no number from 100 on", (head) => /^HTTP\/1\.\d (?![1-9]\d\d(?: |\r?\n))/m.test(head)],
  [
    "an informational response announces a body",
    (head) => /^HTTP\/1\.\d 1\d\d/m.test(head) && /^(?:content-length|transfer-encoding):/im.test(head)
  ],
  ["it switches to a protocol that was not requested", (head) => /^HTTP\/1\.\d 101/m.test(head)],
  [
    "the chunks of the body cannot be read",
    (_, text) =>
      // A trailer that says how the message is to be read; an extension without a name, or with a control character.
      /\r\n0[^\r\n]*\r\n(?:[^\r\n]+\r\n)*transfer-encoding:/i.test(text) ||
      /^[0-9a-f]+[^\r\n]*;[ \t]*[;=\r]/im.test(text) ||
      /^[0-9a-f]+;[^\r\n]*[\0-\x08\x0b-\x1f\x7f]/im.test(text)
  ]
]

/** Responses that are accepted although a reference refuses them, because the RFC allows them, and a check of the bytes for each. */
const laxer: ReadonlyArray<readonly [why: string, holds: (head: string, text: string) => boolean]> = [
  ["folded lines (RFC 9112 §5.2)", (head) => /\n[ \t]/.test(head)],
  ["LF alone (§2.2)", (head) => /(?<!\r)\n/.test(head)],
  ["a later version (RFC 9110 §2.5)", (head) => /^HTTP\/1\.[2-9] /m.test(head)],
  ["blanks around chunk extensions (§7.1.1)", (_, text) => /^[0-9a-f]+[^\r\n]*[ \t][^\r\n]*\r$/im.test(text)],
  ["folded trailers (§7.1.2)", (_, text) => /\r\n0[^\r\n]*\r\n(?:[^\r\n]+\r\n)+[ \t]/.test(text)],
  [
    "an option of the connection in an informational response, which it outlives",
    (head) => /^HTTP\/1\.\d 1\d\d[\s\S]*^(?:proxy-)?connection:/im.test(head)
  ],
  [
    "a 1xx with the length 0 (RFC 9112 §6.3)",
    (head) => /^HTTP\/1\.\d 1\d\d[\s\S]*^content-length:[ \t]*0/im.test(head)
  ],
  ["a length that is repeated (RFC 9110 §8.6)", (head) => fields(head, "content-length").join().includes(",")],
  ["bytes after the response, whose connection is not used again", (head, text) => isFollowed(head, text)]
]

const isFollowed = (head: string, text: string): boolean => {
  const rest = text.slice(head.length)
  if (/^HTTP\/1\.\d (?:204|304)/m.test(head)) {
    return rest !== ""
  }
  const [length] = fields(head, "content-length")
  return length === undefined
    ? /(?:^|\r\n)0+[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n[\s\S]/.test(rest)
    : rest.length > Number(lengthOf(length))
}

/** The references do not know a coding with a tab after it, and read the lines of the chunks as content. */
const isMisread = (head: string): boolean =>
  fields(head, "transfer-encoding").some((value) => /chunked[ ]*\t/i.test(value))

const because = (fuzz: FuzzCase, own: OwnReading, other: Reading): Verdict["how"] => {
  const text = Buffer.concat([...fuzz.pieces]).toString("latin1")
  const head = headText(fuzz)
  if (own.how === "Protocol" && stricter.some(([detail, holds]) => own.refusal === detail && holds(head, text))) {
    return "stricter"
  }
  if (isMisread(head)) {
    return "laxer"
  }
  return isFailure(other) && laxer.some(([, holds]) => holds(head, text)) ? "laxer" : "disagreed"
}

/** One case, compared with each reference. */
export const compare = (seed: number): Effect.Effect<ReadonlyArray<Verdict>> =>
  Effect.gen(function* () {
    const fuzz = caseOf(seed)
    const own = yield* readByOwn(fuzz)
    return yield* Effect.forEach(["undici", "node"] as const, (reference) =>
      Effect.map(references[reference](fuzz), (other): Verdict => {
        const how = isSame(own, other) ? "agreed" : because(fuzz, own, other)
        return {
          seed,
          reference,
          how,
          detail:
            how === "disagreed"
              ? `${JSON.stringify(fuzz.pieces.map((piece) => piece.toString("latin1").slice(0, 300)))} ${fuzz.ending}\nown: ${shown(own)} ${own.refusal}\n${reference}: ${shown(other)}`
              : ""
        }
      })
    )
  })

const shown = (reading: Reading): string =>
  `${headOf(reading)}\n${reading.how} ${reading.body.length}\n${reading.body.slice(-200)}`

export interface Totals {
  readonly agreements: number
  readonly stricter: number
  readonly laxer: number
}

export interface Result {
  readonly totals: Readonly<Record<Reference, Totals>>
  readonly disagreements: ReadonlyArray<Verdict>
}

/** The cases of the seeds from one on. */
export const run = (from: number, cases: number): Effect.Effect<Result> =>
  Effect.map(
    Effect.forEach(
      Array.from({ length: cases }, (_, index) => from + index),
      compare,
      { concurrency: 32 }
    ),
    (compared) => {
      const verdicts = compared.flat()
      const totalsOf = (of: Reference): Totals => {
        const count = (as: Verdict["how"]): number =>
          verdicts.filter(({ how, reference }) => reference === of && how === as).length
        return { agreements: count("agreed"), stricter: count("stricter"), laxer: count("laxer") }
      }
      return {
        totals: { undici: totalsOf("undici"), node: totalsOf("node") },
        disagreements: verdicts.filter(({ how }) => how === "disagreed")
      }
    }
  )
