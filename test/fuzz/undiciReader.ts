/**
 * undici as a reference: how its parser reads a response from a scripted socket.
 */
import { Socket } from "node:net"
import * as Undici from "@effect/platform-node/Undici"
import * as Effect from "effect/Effect"
import { fromCause } from "../../src/Transport/httpClientErrors.js"
import type { FuzzCase } from "./responses.js"

/** What a reader says of a response: its head, if it took one, the content, and how that ended. */
export interface Reading {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** `"Ended"`, or the tag of the error. */
  readonly how: string
}

const reset = () => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })

class ScriptedSocket extends Socket {
  private isAsked = false

  constructor(
    private readonly fuzz: FuzzCase,
    private readonly onReset: () => void
  ) {
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
          this.onReset()
          this.destroy(reset())
        }
      }
      setImmediate(next)
    }
  }
}

const informationalAtMost = 20

export const read = (fuzz: FuzzCase): Effect.Effect<Reading> =>
  Effect.async((resume) => {
    let isReset = false
    const agent = new Undici.Agent({
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 256 * 1024,
      connect: (_options, done) => {
        setImmediate(() =>
          done(
            null,
            new ScriptedSocket(fuzz, () => {
              isReset = true
            })
          )
        )
      }
    })
    let [status, body, informational, isOver] = [0, "", 0, false]
    let headers: Record<string, string> = {}
    const end = (how: string): void => {
      if (!isOver) {
        isOver = true
        const reading = { status, headers, body, how }
        resume(
          Effect.as(
            Effect.promise(() => agent.destroy().catch(() => {})),
            reading
          )
        )
      }
    }
    const fail = (cause: unknown): void => {
      const shape = status === 0 ? undefined : { receivedBytes: body.length, expectedBytes: undefined }
      end(fromCause("http://origin.test/", cause, shape)._tag)
    }
    agent.dispatch(
      { origin: "http://origin.test", path: "/file", method: "GET" },
      {
        onRequestStart: () => {},
        onResponseStart: (controller, code, fields) => {
          if (code >= 200) {
            status = code
            headers = fieldsOf(fields)
          } else if (++informational > informationalAtMost) {
            controller.abort(new Error("too many"))
            end("Protocol")
          }
        },
        onResponseData: (_controller, chunk) => {
          body += Buffer.from(chunk).toString("latin1")
        },
        // undici treats a reset as the end of a body that ends with its connection.
        onResponseEnd: () => end(isReset ? "Truncated" : "Ended"),
        onResponseError: (_controller, cause) => fail(cause)
      }
    )
  })

// All values of a repeated field; only the first value of a field with a single value.
const fieldsOf = (
  fields: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
): Record<string, string> => {
  const all: Record<string, string> = {}
  for (const [name, value] of Object.entries(fields)) {
    all[name] = typeof value === "string" ? value : single.has(name) ? (value?.[0] ?? "") : (value ?? []).join(", ")
  }
  return all
}

const single: ReadonlySet<string> = new Set(
  "age content-disposition content-length content-location content-range content-type date etag expires last-modified location retry-after server".split(
    " "
  )
)
