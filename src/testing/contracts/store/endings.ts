/**
 * What a store leaves when a part is discarded or a call is interrupted.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { openScoped } from "../../../Store.js"
import { type Case, type ContractBroken, expect } from "../Case.js"
import { type CaseOf, hasParts, holds, long, publish, read, save, withPart, write } from "./probe.js"

/** Interrupts an effect after this many turns of the scheduler, and waits for its end. */
const interruptedAfter = <A, E, R>(steps: number, effect: Effect.Effect<A, E, R>): Effect.Effect<void, never, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    yield* Effect.forEach(Array.from({ length: steps }), () => Effect.yieldNow(), { discard: true })
    yield* Fiber.interrupt(fiber)
  })

const steps = Array.from({ length: 12 }, (_, index) => index)

export const cases = (on: CaseOf): ReadonlyArray<Case> => [
  on("prepares a directory that is there, and says whether a file exists", (probe, store) =>
    Effect.gen(function* () {
      yield* store.prepare(probe.destination.slice(0, probe.destination.lastIndexOf("/")))
      yield* expect(
        (yield* store.stat(probe.destination)) === undefined,
        "undefined from stat before a file is saved",
        true
      )
      yield* save(store, probe.destination, "new")
      yield* expect(
        (yield* store.stat(probe.destination)) !== undefined,
        "a file from stat after a file was saved",
        false
      )
    })
  ),
  ...(
    [
      ["success", Effect.void],
      ["failure", Effect.fail("broken")],
      ["interruption", Effect.interrupt]
    ] as const
  ).map(([how, end]) =>
    on(`discards a part that was not published, on ${how}`, (probe, store) =>
      Effect.gen(function* () {
        yield* save(store, probe.destination, "old")
        let counted: Effect.Effect<void, ContractBroken> = Effect.void
        yield* Effect.exit(
          withPart(store, probe.destination, (part) =>
            Effect.gen(function* () {
              yield* write(part, long("new"))
              // A part that can be kept is counted when it is kept.
              counted = probe.keeps === true ? Effect.void : yield* Effect.exit(hasParts(probe, 1))
              yield* end
            })
          )
        )
        // Outside of the exit that is ignored.
        yield* counted
        yield* hasParts(probe, 0)
        yield* holds(probe, "old")
      })
    )
  ),
  on("discards twice, and keeps a published file", (probe, store) =>
    Effect.gen(function* () {
      for (const text of ["small", long("large")]) {
        const { part } = yield* store.open(probe.destination, { resume: undefined })
        yield* write(part, text)
        yield* part.close("discard")
        yield* part.close("discard")
        yield* hasParts(probe, 0)
        yield* holds(probe, undefined)
      }
      const { part } = yield* store.open(probe.destination, { resume: undefined })
      yield* write(part, "kept")
      yield* publish(part)
      yield* part.close("discard")
      yield* part.close("keep")
      yield* hasParts(probe, 0)
      yield* holds(probe, "kept")
    })
  ),
  on("opens an empty part after another one of the same destination was discarded", (probe, store) =>
    Effect.gen(function* () {
      for (const text of ["small", long("large")]) {
        yield* withPart(store, probe.destination, (part) =>
          Effect.zipRight(write(part, text, 400_000), part.close("discard"))
        )
        yield* withPart(store, probe.destination, (part) =>
          Effect.gen(function* () {
            const found = yield* read(part, 0, 10)
            yield* expect(found === "", "no bytes from a read of a new part", `${found.length} bytes`)
            yield* write(part, "new")
            yield* publish(part)
          })
        )
        yield* holds(probe, "new")
        yield* hasParts(probe, 0)
      }
    })
  ),
  on("leaves nothing if the opening is interrupted", (probe, store) =>
    Effect.forEach(
      steps,
      (count) =>
        Effect.gen(function* () {
          yield* Effect.scoped(interruptedAfter(count, openScoped(store, probe.destination)))
          yield* hasParts(probe, 0)
          yield* holds(probe, undefined)
        }),
      { discard: true }
    )
  ),
  on("takes a chunk again if its write was interrupted", (probe, store) =>
    Effect.forEach(
      steps,
      (count) =>
        Effect.gen(function* () {
          const text = long(`content ${count} `)
          yield* withPart(store, probe.destination, (part) =>
            Effect.gen(function* () {
              yield* write(part, text.slice(0, 300_000))
              yield* interruptedAfter(count, write(part, text.slice(300_000), 300_000))
              yield* write(part, text.slice(300_000), 300_000)
              yield* publish(part)
            })
          )
          yield* holds(probe, text)
          yield* withPart(store, probe.destination, (part) => interruptedAfter(count, write(part, text)))
          yield* hasParts(probe, 0)
          yield* holds(probe, text)
        }),
      { discard: true }
    )
  ),
  on("publishes the whole file or nothing if it is interrupted", (probe, store) =>
    Effect.forEach(
      steps,
      (count) =>
        Effect.gen(function* () {
          const text = `content ${count}`
          const before = yield* probe.read
          yield* interruptedAfter(count, save(store, probe.destination, text))
          yield* hasParts(probe, 0)
          const found = yield* probe.read
          yield* expect(found === before || found === text, "the old content or the whole new content", found)
        }),
      { discard: true }
    )
  )
]
