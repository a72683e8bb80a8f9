/**
 * What every `Store` keeps to, as tests over one.
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Store, write } from "../../src/Store.js"

/** A store with one destination that is in no other test's way, and a look behind it. */
export interface Place {
  readonly layer: Layer.Layer<Store>
  readonly destination: string
  readonly read: Effect.Effect<string | undefined>
  readonly put: (text: string) => Effect.Effect<void>
  /** How many parts there are beside published files. */
  readonly parts: Effect.Effect<number>
}

const bytes = (text: string) => new TextEncoder().encode(text)

export const storeContract = (place: Effect.Effect<Place, never, Scope.Scope>): void => {
  const inPlace = (title: string, body: (place: Place) => Effect.Effect<void, unknown, Store | Scope.Scope>) =>
    it.scopedLive(title, () => Effect.flatMap(place, (made) => Effect.provide(body(made), made.layer)))

  inPlace("publishes what was written, whole and in order", ({ destination, parts, read }) =>
    Effect.gen(function* () {
      const store = yield* Store
      yield* Effect.scoped(
        Effect.gen(function* () {
          const part = yield* store.open(destination)
          yield* write(part, bytes("first, "))
          yield* write(part, bytes("second"))
          assert.isUndefined(yield* read)
          assert.strictEqual(yield* part.publish({ onExists: "overwrite", durability: "full" }), "Published")
        })
      )
      assert.strictEqual(yield* read, "first, second")
      assert.strictEqual(yield* parts, 0)
      assert.isTrue(yield* store.exists(destination))
    })
  )

  inPlace("publishes an empty file", ({ destination, read }) =>
    Effect.gen(function* () {
      const store = yield* Store
      yield* Effect.scoped(
        Effect.flatMap(store.open(destination), (part) => part.publish({ onExists: "fail", durability: "full" }))
      )
      assert.strictEqual(yield* read, "")
    })
  )

  inPlace("keeps a chunk's bytes although its memory is used again", ({ destination, read }) =>
    Effect.gen(function* () {
      const store = yield* Store
      const chunk = bytes("before")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const part = yield* store.open(destination)
          yield* write(part, chunk)
          chunk.fill(0)
          yield* part.publish({ onExists: "overwrite", durability: "full" })
        })
      )
      assert.strictEqual(yield* read, "before")
    })
  )

  for (const [how, end] of [
    ["success", Effect.void],
    ["failure", Effect.fail("broken")],
    ["interruption", Effect.interrupt]
  ] as const) {
    inPlace(`discards a part that was not published, on ${how}`, ({ destination, parts, put, read }) =>
      Effect.gen(function* () {
        const store = yield* Store
        yield* put("old")
        yield* Effect.exit(
          Effect.scoped(
            Effect.gen(function* () {
              const part = yield* store.open(destination)
              yield* write(part, bytes("new"))
              assert.strictEqual(yield* parts, 1)
              yield* end
            })
          )
        )
        assert.strictEqual(yield* parts, 0)
        assert.strictEqual(yield* read, "old")
      })
    )
  }

  inPlace("replaces with overwrite, keeps with skip, and refuses with fail", ({ destination, parts, put, read }) =>
    Effect.gen(function* () {
      const store = yield* Store
      const publish = (text: string, onExists: "overwrite" | "skip" | "fail") =>
        Effect.scoped(
          Effect.flatMap(store.open(destination), (part) =>
            Effect.zipRight(write(part, bytes(text)), part.publish({ onExists, durability: "full" }))
          )
        )
      yield* put("old")
      assert.strictEqual(yield* publish("skipped", "skip"), "Skipped")
      assert.strictEqual(yield* read, "old")
      const error = yield* Effect.flip(publish("refused", "fail"))
      assert.strictEqual(error.reason, "exists")
      assert.strictEqual(yield* read, "old")
      assert.strictEqual(yield* publish("new", "overwrite"), "Published")
      assert.strictEqual(yield* read, "new")
      assert.strictEqual(yield* parts, 0)
    })
  )

  inPlace("lets exactly one of many publish with fail", ({ destination, parts, read }) =>
    Effect.gen(function* () {
      const store = yield* Store
      const names = Array.from({ length: 8 }, (_, index) => `writer ${index}`)
      const exits = yield* Effect.forEach(
        names,
        (name) =>
          store.open(destination).pipe(
            Effect.flatMap((part) =>
              Effect.zipRight(write(part, bytes(name)), part.publish({ onExists: "fail", durability: "full" }))
            ),
            Effect.scoped,
            Effect.exit
          ),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
      assert.include(names, yield* read)
      assert.strictEqual(yield* parts, 0)
    })
  )

  inPlace("has published the whole or nothing, whenever it is interrupted", ({ destination, parts, read }) =>
    Effect.forEach(
      Array.from({ length: 12 }, (_, index) => index),
      (steps) =>
        Effect.gen(function* () {
          const store = yield* Store
          const text = `content ${steps}`
          const before = yield* read
          const scope = yield* Scope.make()
          const fiber = yield* store.open(destination).pipe(
            Effect.flatMap((part) =>
              Effect.zipRight(write(part, bytes(text)), part.publish({ onExists: "overwrite", durability: "full" }))
            ),
            Scope.extend(scope),
            Effect.fork
          )
          yield* Effect.forEach(Array.from({ length: steps }), () => Effect.yieldNow(), { discard: true })
          const exit = yield* Fiber.interrupt(fiber)
          yield* Scope.close(scope, exit)
          assert.strictEqual(yield* parts, 0)
          assert.include([before, text], yield* read)
        }),
      { discard: true }
    )
  )
}
