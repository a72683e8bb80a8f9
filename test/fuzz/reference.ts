/**
 * What the readers that serve as references have in common: a socket that plays a script, and the result of a reading.
 */
import { Socket } from "node:net"

/** The result of a reader: the head, if the reader accepted one, the content, and how the content ended. */
export interface Reading {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** `"Ended"`, or the tag of the error. */
  readonly how: string
}

export const informationalAtMost = 20

const reset = () => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })

/** Receives these pieces after the first write, one in each turn of the event loop, and then an end or a reset. */
export class ScriptedSocket extends Socket {
  private isAsked = false

  constructor(
    private readonly pieces: ReadonlyArray<Buffer>,
    private readonly ending: "end" | "reset",
    private readonly onReset: () => void
  ) {
    super()
  }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done()
    if (!this.isAsked) {
      this.isAsked = true
      const pieces = [...this.pieces]
      const next = () => {
        const piece = pieces.shift()
        if (this.destroyed) {
          return
        }
        if (piece !== undefined) {
          this.push(piece)
          setImmediate(next)
        } else if (this.ending === "end") {
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

/** All values of a repeated field; only the first value of a field with a single value. */
export const fieldsOf = (
  fields: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
): Record<string, string> => {
  const all: Record<string, string> = {}
  for (const [name, value] of Object.entries(fields)) {
    all[name] =
      typeof value === "string"
        ? value
        : single.has(name)
          ? (value?.[0] ?? "")
          : (value ?? []).join(name === "set-cookie" ? "\n" : ", ")
  }
  return all
}

const single: ReadonlySet<string> = new Set(
  "age content-disposition content-length content-location content-range content-type date etag expires last-modified location retry-after server".split(
    " "
  )
)
