/**
 * The contract of `Journal`.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { HttpStatus } from "../../DownloadError.js"
import * as Journal from "../../Journal.js"
import { type Case, expect } from "./Case.js"

/**
 * The contract of `Journal`. `lives` returns a layer. Each build of the layer is a later run with the same entries.
 *
 * @category contracts
 * @since 0.2.0
 */
export const journal = <E>(
  lives: Effect.Effect<Layer.Layer<Journal.Journal, E>, never, Scope.Scope>,
  options: {
    readonly outlivesTheLayer: boolean
    /** `files`: the journal forgets outcomes that change nothing at their destination. Default: `all`. */
    readonly remembers?: "all" | "files" | undefined
  }
): ReadonlyArray<Case> => {
  const entry = (destination: string, outcome: Journal.Entry["outcome"], bytes?: number) =>
    new Journal.Entry({
      id: destination,
      url: `http://origin.test/${destination}`,
      destination,
      outcome,
      atMillis: 1,
      ...(bytes === undefined ? {} : { bytes })
    })
  const isSame = Schema.equivalence(Journal.Entry)
  const lastIs = (destination: string, expected: Journal.Entry | undefined) =>
    Effect.flatMap(
      Effect.flatMap(Journal.Journal, ({ last }) => last(destination)),
      (found) =>
        expect(
          found === undefined || expected === undefined ? found === expected : isSame(found, expected),
          `last(${JSON.stringify(destination)}) to give ${expected === undefined ? "undefined" : JSON.stringify(expected)}`,
          JSON.stringify(found)
        )
    )
  const record = (one: Journal.Entry) => Effect.flatMap(Journal.Journal, (journal) => journal.record(one))
  const at = (title: string, body: Effect.Effect<void, unknown, Journal.Journal>): Case => ({
    title,
    check: Effect.scoped(Effect.flatMap(lives, (life) => Effect.provide(body, Layer.fresh(life))))
  })
  const failed = new Journal.Entry({
    ...entry("a", "Failed"),
    error: new HttpStatus({ url: "http://origin.test/a", status: 503 })
  })
  const failure = options.remembers === "files" ? undefined : failed
  const cancelled = options.remembers === "files" ? undefined : entry("b", "Cancelled")
  const cases: ReadonlyArray<Case> = [
    at(
      "gives the last entry for each destination",
      Effect.gen(function* () {
        yield* lastIs("a", undefined)
        yield* record(failed)
        yield* lastIs("a", failure)
        yield* record(entry("a", "Saved", 3))
        yield* record(entry("b", "Cancelled"))
        yield* lastIs("a", entry("a", "Saved", 3))
        yield* lastIs("b", cancelled)
        // The file of the earlier outcome is still there.
        yield* record(failed)
        yield* lastIs("a", entry("a", "Saved", 3))
        yield* record(entry("a", "NotModified", 3))
        yield* lastIs("a", entry("a", "NotModified", 3))
        yield* lastIs("c", undefined)
      })
    ),
    at(
      "keeps all entries that are recorded at the same time",
      Effect.gen(function* () {
        const names = Array.from({ length: 50 }, (_, index) => `file ${index}\n"`)
        yield* Effect.forEach(names, (name) => record(entry(name, "Saved", 1)), {
          concurrency: "unbounded",
          discard: true
        })
        yield* Effect.forEach(names, (name) => lastIs(name, entry(name, "Saved", 1)), { discard: true })
      })
    )
  ]
  const later: Case = {
    title: "gives the entries of an earlier run",
    check: Effect.scoped(
      Effect.gen(function* () {
        const life = yield* lives
        yield* Effect.provide(Effect.zipRight(record(failed), record(entry("b", "Saved", 3))), Layer.fresh(life))
        yield* Effect.provide(
          Effect.zipRight(lastIs("a", failure), lastIs("b", entry("b", "Saved", 3))),
          Layer.fresh(life)
        )
      })
    )
  }
  return options.outlivesTheLayer ? [...cases, later] : cases
}
