/**
 * A transport that answers from a script, on the Clock, and counts what is open.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Port from "../../../src/Transport.js"

export interface Answer {
  readonly status?: number
  /** Default: the length of all chunks. `null` announces none. */
  readonly length?: number | null
  readonly wait?: Duration.DurationInput
  readonly chunks?: ReadonlyArray<string>
  readonly waitBetween?: Duration.DurationInput
  /** Fails after the chunks. */
  readonly failure?: Port.TransportError
  /** Fails instead of a response. */
  readonly refusal?: Port.TransportError
}

export class Exchanges extends Context.Tag("test/Exchanges")<
  Exchanges,
  {
    readonly opened: () => ReadonlyArray<string>
    /** Requests whose scope is not closed. */
    readonly open: () => number
    readonly mostOpen: () => number
  }
>() {}

export const layer = (answerTo: (url: string) => Answer): Layer.Layer<Port.Transport | Exchanges> =>
  Layer.effectContext(
    Effect.sync(() => {
      const opened: Array<string> = []
      let open = 0
      let mostOpen = 0
      return Context.make(Exchanges, {
        opened: () => opened.slice(),
        open: () => open,
        mostOpen: () => mostOpen
      }).pipe(
        Context.add(
          Port.Transport,
          Port.make({
            open: ({ url }) =>
              Effect.gen(function* () {
                yield* Effect.acquireRelease(
                  Effect.sync(() => {
                    opened.push(url)
                    open++
                    mostOpen = Math.max(mostOpen, open)
                  }),
                  () =>
                    Effect.sync(() => {
                      open--
                    })
                )
                const answer = answerTo(url)
                yield* Effect.sleep(answer.wait ?? 0)
                if (answer.refusal !== undefined) {
                  return yield* answer.refusal
                }
                const chunks = (answer.chunks ?? []).map((text) => new TextEncoder().encode(text))
                const length =
                  answer.length === undefined ? chunks.reduce((sum, { length }) => sum + length, 0) : answer.length
                const body = Stream.fromIterable(chunks).pipe(
                  Stream.tap(() => Effect.sleep(answer.waitBetween ?? 0)),
                  Stream.concat(answer.failure === undefined ? Stream.empty : Stream.fail(answer.failure))
                )
                return {
                  status: answer.status ?? 200,
                  headers: length === null ? {} : { "content-length": `${length}` },
                  body
                }
              })
          })
        )
      )
    })
  )
