import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { MemoryStore, OriginGovernor, Store } from "halyard"
import { Contracts } from "halyard/testing"

/** The cases of the contract that a store in memory breaks, whose parts are changed by this. */
const broken = (change: (part: Store.Part, open: Effect.Effect<Store.Part, unknown, Scope.Scope>) => Store.Part) =>
  Effect.gen(function* () {
    const probe = Effect.gen(function* () {
      const context = yield* Layer.build(Layer.fresh(MemoryStore.layer))
      const { files, parts } = yield* Effect.provide(MemoryStore.MemoryFiles, context)
      const base = yield* Effect.provide(Store.Store, context)
      const store: typeof Store.Store.Service = {
        prepare: base.prepare,
        exists: base.exists,
        open: (destination) => Effect.map(base.open(destination), (part) => change(part, base.open(destination)))
      }
      const destination = "/d/a"
      return {
        layer: Layer.succeed(Store.Store, store),
        destination,
        read: Effect.map(files, (all) => {
          const found = all.get(destination)
          return found === undefined ? undefined : new TextDecoder().decode(found)
        }),
        parts
      }
    })
    const titles: Array<string> = []
    for (const { check, title } of Contracts.store(probe)) {
      if (Exit.isFailure(yield* Effect.exit(check))) {
        titles.push(title)
      }
    }
    return titles
  })

describe("Contracts.store", () => {
  it.effect("passes for a store in memory", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* broken((part) => part), [])
    })
  )

  it.effect("finds a store that leaks on restart", () =>
    Effect.gen(function* () {
      const titles = yield* broken((part, open) => ({
        ...part,
        // Opens a new part and never removes the old one.
        restart: Effect.zipRight(
          part.restart,
          Effect.flatMap(Scope.make(), (scope) => Effect.ignore(Scope.extend(open, scope)))
        )
      }))
      assert.deepStrictEqual(titles, [
        "leaves nothing of what a part held before it started over, when it is published",
        "leaves nothing of what a part held before it started over, when it is discarded"
      ])
    })
  )
})

describe("Contracts.originGovernor", () => {
  type Governor = typeof OriginGovernor.OriginGovernor.Service

  const brokenCases = (change: (base: Governor) => Partial<Governor>) =>
    Effect.map(
      Effect.forEach(
        Contracts.originGovernor((limits) =>
          Effect.map(OriginGovernor.make(limits), (base) => ({ ...base, ...change(base) }))
        ),
        ({ check }) => Effect.exit(check)
      ),
      (exits) => exits.flatMap((exit) => (Exit.isFailure(exit) ? [Cause.pretty(exit.cause).split("\n")[0]] : []))
    )

  for (const [what, change, told] of [
    [
      "cannot be interrupted while it waits",
      (base) => ({
        acquire: (origin, options) =>
          Effect.flatMap(
            Effect.forkDaemon(Effect.uninterruptible(Effect.suspend(() => base.acquire(origin, options)))),
            Fiber.join
          )
      }),
      "an interrupted wait to end"
    ],
    [
      "does not release a permit",
      (base) => ({
        acquire: (origin, options) =>
          Effect.map(base.acquire(origin, options), (permit) => ({ ...permit, release: () => {} }))
      }),
      "after another permit was released"
    ],
    [
      "ignores a pause",
      (base) => ({ report: (origin, report) => base.report(origin, { ...report, pauseMillis: 0 }) }),
      "pause"
    ],
    [
      "never asks for an idle permit",
      (base) => ({ tryAcquireIdle: (origin, _, options) => base.tryAcquireIdle(origin, () => {}, options) }),
      "`onWanted`"
    ],
    [
      "counts no `concurrencyLimit`",
      (base) => ({ acquire: (origin) => base.acquire(origin) }),
      "`used` to be 1 while one permit is held"
    ],
    ["rests for ever", () => ({ restMillis: () => Number.NaN }), "a finite number of milliseconds"]
  ] satisfies ReadonlyArray<readonly [string, (base: Governor) => Partial<Governor>, string]>) {
    it.effect(`says in words that a governor ${what}`, () =>
      Effect.gen(function* () {
        const messages = yield* brokenCases(change)
        assert.include(messages.join("\n"), told)
      })
    )
  }
})
