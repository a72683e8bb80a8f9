/**
 * What every `Journal` keeps to.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Journal from "../../Journal.js"
import { type Case, expect } from "./Case.js"

/**
 * The contract of `Journal`. `lives` gives a layer; built again, it stands for a later run over the same memory.
 *
 * @category contracts
 * @since 0.2.0
 */
export const journal = <E>(
  lives: Effect.Effect<Layer.Layer<Journal.Journal, E>, never, Scope.Scope>,
  options: { readonly outlivesTheLayer: boolean }
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
          `${expected?.outcome} for ${destination}`,
          found?.outcome
        )
    )
  const record = (one: Journal.Entry) => Effect.flatMap(Journal.Journal, (journal) => journal.record(one))
  const cases: ReadonlyArray<Case> = [
    {
      title: "remembers the last entry for a destination, and nothing of others",
      check: Effect.scoped(
        Effect.flatMap(lives, (life) =>
          Effect.provide(
            Effect.gen(function* () {
              yield* lastIs("a", undefined)
              yield* record(entry("a", "Failed"))
              yield* record(entry("a", "Saved", 3))
              yield* record(entry("b", "Cancelled"))
              yield* lastIs("a", entry("a", "Saved", 3))
              yield* lastIs("b", entry("b", "Cancelled"))
              yield* lastIs("c", undefined)
            }),
            Layer.fresh(life)
          )
        )
      )
    },
    {
      title: "keeps every one of many entries that come at a time",
      check: Effect.scoped(
        Effect.flatMap(lives, (life) =>
          Effect.provide(
            Effect.gen(function* () {
              const names = Array.from({ length: 50 }, (_, index) => `file ${index}\n"`)
              yield* Effect.forEach(names, (name) => record(entry(name, "Saved", 1)), {
                concurrency: "unbounded",
                discard: true
              })
              yield* Effect.forEach(names, (name) => lastIs(name, entry(name, "Saved", 1)), { discard: true })
            }),
            Layer.fresh(life)
          )
        )
      )
    }
  ]
  const later: Case = {
    title: "remembers in a later run",
    check: Effect.scoped(
      Effect.gen(function* () {
        const life = yield* lives
        yield* Effect.provide(record(entry("a", "Saved", 3)), Layer.fresh(life))
        yield* Effect.provide(lastIs("a", entry("a", "Saved", 3)), Layer.fresh(life))
      })
    )
  }
  return options.outlivesTheLayer ? [...cases, later] : cases
}
