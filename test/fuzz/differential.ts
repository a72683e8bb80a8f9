/**
 * The fast lane beside undici, without a socket: both get the same bytes in the same pieces, and the lane either says
 * what undici says or hands over.
 */
import { Socket } from "node:net"
import * as Effect from "effect/Effect"
import * as FastLane from "../../src/Node/Transport/fastLane.js"
import * as Undici from "../../src/Node/Transport/undici.js"
import type { Connect } from "../../src/Node/Transport/wire.js"
import type { Transport } from "../../src/Transport.js"
import { caseOf, type FuzzCase } from "./responses.js"

export interface Verdict {
  readonly seed: number
  readonly how: "agreed" | "handed over" | "disagreed"
  /** Where they disagreed. */
  readonly detail: string
}

const request = { url: "http://origin.test/file", headers: { accept: "*/*" } }
const connectMillis = 10_000
const reset = () => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })

// A socket for undici.
class ScriptedSocket extends Socket {
  private isAsked = false

  constructor(private readonly fuzz: FuzzCase) {
    super()
  }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done()
    if (!this.isAsked) {
      this.isAsked = true
      const pieces = [...this.fuzz.piecesForUndici]
      const next = () => {
        const piece = pieces.shift()
        if (this.destroyed) {
          return
        }
        if (piece !== undefined) {
          this.push(piece)
          setImmediate(next)
        } else if (this.fuzz.ending === "end") {
          this.push(null)
        } else {
          this.destroy(reset())
        }
      }
      setImmediate(next)
    }
  }
}

/** A wire for the lane, which spoils what was received before as soon as it may. */
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
          events.onEnd()
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
    setImmediate(events.onConnect)
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
      hold: () => {}
    }
  }

type Seen = { readonly kind: "handed over" } | { readonly kind: "answer"; readonly text: string }

const turns = (count: number): Effect.Effect<void> =>
  count === 0
    ? Effect.void
    : Effect.zipRight(
        Effect.async<void>((resume) => {
          setImmediate(() => resume(Effect.void))
        }),
        turns(count - 1)
      )

/** What somebody sees who asks: the head, how the body ended, and what there was of it. */
const answer = (open: typeof Transport.Service.open, fuzz: FuzzCase): Effect.Effect<string> => {
  const parts: Array<string> = []
  let body = ""
  let chunks = 0
  let lent: Uint8Array | undefined
  const take = (chunk: Uint8Array | undefined) => {
    body += chunk === undefined ? "" : Buffer.from(chunk).toString("latin1")
  }
  return Effect.scoped(
    Effect.gen(function* () {
      const response = yield* open(request)
      parts.push(`${response.status}`)
      for (const name of Object.keys(response.headers).sort()) {
        parts.push(`${name}: ${response.headers[name]}`)
      }
      let how = "Paused"
      while (how === "Paused") {
        yield* turns(fuzz.idleTurns)
        take(lent)
        lent = undefined
        how = yield* response.drive((chunk) => {
          if (++chunks % fuzz.pauseEvery === 0) {
            // To be looked at later, which is allowed until more is asked for.
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
    Effect.catchAll((error) =>
      Effect.succeed(error._tag === "Connection" ? `${error._tag} ${error.reason}` : `${error._tag}`)
    ),
    Effect.timeoutTo({ duration: "5 seconds", onSuccess: (how) => how, onTimeout: () => "hung" }),
    Effect.map((how) => [...parts, how, body].join("\n"))
  )
}

const byUndici = (fuzz: FuzzCase): Effect.Effect<string> =>
  Effect.acquireUseRelease(
    Effect.sync(() =>
      Undici.make({
        connectMillis,
        publicOnly: false,
        connect: (_options, done) => {
          setImmediate(() => done(null, new ScriptedSocket(fuzz)))
        }
      })
    ),
    ({ open }) => answer(open, fuzz),
    ({ destroy }) => Effect.promise(destroy)
  )

const byLane = (fuzz: FuzzCase): Effect.Effect<Seen> => {
  let isHandedOver = false
  const otherwise: typeof Transport.Service.open = () => {
    isHandedOver = true
    return Effect.interrupt
  }
  return Effect.acquireUseRelease(
    Effect.sync(() => FastLane.make({ connectMillis, connect: wire(fuzz), otherwise })),
    ({ open }) =>
      Effect.exit(answer(open, fuzz)).pipe(
        Effect.map(
          (exit): Seen =>
            isHandedOver
              ? { kind: "handed over" }
              : { kind: "answer", text: exit._tag === "Success" ? exit.value : String(exit.cause) }
        )
      ),
    ({ close }) => close
  )
}

/** One case. */
export const compare = (seed: number): Effect.Effect<Verdict> =>
  Effect.gen(function* () {
    const fuzz = caseOf(seed)
    const lane = yield* byLane(fuzz)
    if (lane.kind === "handed over") {
      return { seed, how: "handed over", detail: "" }
    }
    const undici = yield* byUndici(fuzz)
    return lane.text === undici
      ? { seed, how: "agreed", detail: "" }
      : {
          seed,
          how: "disagreed",
          detail: `${JSON.stringify(fuzz.pieces.map((piece) => piece.toString("latin1").slice(0, 300)))} ${fuzz.ending}\nlane: ${lane.text.slice(-400)}\nundici: ${undici.slice(-400)}`
        }
  })

export interface Totals {
  readonly cases: number
  readonly agreements: number
  readonly handOvers: number
  readonly disagreements: ReadonlyArray<Verdict>
}

/** The cases of the seeds from one on. */
export const run = (from: number, cases: number): Effect.Effect<Totals> =>
  Effect.map(
    Effect.forEach(
      Array.from({ length: cases }, (_, index) => from + index),
      compare,
      { concurrency: 32 }
    ),
    (verdicts) => ({
      cases,
      agreements: verdicts.filter(({ how }) => how === "agreed").length,
      handOvers: verdicts.filter(({ how }) => how === "handed over").length,
      disagreements: verdicts.filter(({ how }) => how === "disagreed")
    })
  )
