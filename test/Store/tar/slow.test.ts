import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Store } from "../../../src/Store.js"
import { entriesOf, samplesOf } from "../../support/storage/tarFiles.js"
import { inRun, memory, save } from "../../support/storage/tarStore.js"

/** Waits some turns of the scheduler, a different number each time. */
const slowly = () => {
  let turn = 0
  return <A, E>(call: () => Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      turn++
      const turns = (turn * 7) % 5
      return Effect.zipRight(
        Effect.forEach(Array.from({ length: turns }), () => Effect.yieldNow(), { discard: true }),
        Effect.suspend(call)
      )
    })
}

/** A store that suspends in every call, and the record of the last checkpoint that has ended. */
const suspending = (store: typeof Store.Service) => {
  const slow = slowly()
  const state = { record: "" }
  const suspended: typeof Store.Service = {
    ...store,
    open: (path, options) =>
      slow(() =>
        Effect.map(store.open(path, options), ({ part, record }) => ({
          record,
          part: {
            ...part,
            write: (chunk, positionBytes) => slow(() => part.write(chunk, positionBytes)),
            read: (chunk, positionBytes) => slow(() => part.read(chunk, positionBytes)),
            checkpoint: (text, durability) =>
              Effect.zipRight(
                slow(() => part.checkpoint(text, durability)),
                slow(() => {
                  state.record = text
                  return Effect.void
                })
              )
          }
        }))
      )
  }
  return { suspended, state }
}

const paths = Array.from({ length: 60 }, (_, index) => `${index}.txt`)

const textOf = (path: string) => `${path} `.repeat(1 + ((Number.parseInt(path, 10) * 7919) % 900))

describe("a tar over a store that suspends", () => {
  it.scoped("has each file whole and beside its metadata, and no publish ends before its checkpoint", () =>
    Effect.gen(function* () {
      const { file, store } = yield* memory
      const { state, suspended } = suspending(store)
      yield* inRun(suspended, { destination: "out/one.tar", memoryBytes: 32_000 }, (tar) =>
        Effect.zipRight(
          Effect.forEach(
            paths,
            (path) =>
              Effect.map(save(tar.store, path, textOf(path)), () => assert.include(state.record, JSON.stringify(path))),
            { concurrency: "unbounded" }
          ),
          tar.finish
        )
      )
      const samples = samplesOf(
        yield* Effect.promise(async () => entriesOf(await Effect.runPromise(file("out/one.tar"))))
      )
      assert.deepStrictEqual(
        new Map(samples.map(({ __key__: key, txt }) => [`${key}.txt`, txt])),
        new Map(paths.map((path) => [path, textOf(path)]))
      )
      assert.isTrue(samples.every((sample) => Object.keys(sample).join() === "__key__,txt,json"))
    })
  )

  it.scoped("has the bytes that are written while a file moves from the memory to a part", () =>
    Effect.gen(function* () {
      const { file, store } = yield* memory
      const { suspended } = suspending(store)
      const text = Array.from({ length: 400 }, (_, index) => String(index).padStart(10, "0")).join("")
      const bytes = new TextEncoder().encode(text)
      yield* inRun(suspended, { destination: "out/one.tar", memoryBytes: 16 * 1000 }, (tar) =>
        Effect.gen(function* () {
          const { part } = yield* tar.store.open("a.txt", { resume: undefined })
          const write = (startBytes: number, endBytes: number) =>
            Effect.suspend(() => part.write(bytes.subarray(startBytes, endBytes), startBytes))
          yield* write(0, 500)
          // The first of them does not fit, and the others would.
          const others = Effect.forEach(Array.from({ length: 10 }), (_, index) =>
            Effect.zipRight(Effect.yieldNow(), write(500 + 10 * index, 510 + 10 * index))
          )
          yield* Effect.all([write(600, 4000), others], { concurrency: "unbounded" })
          yield* part.publish({ onExists: "fail", durability: "full" })
          yield* tar.finish
        })
      )
      const entries = yield* Effect.promise(async () => entriesOf(await Effect.runPromise(file("out/one.tar"))))
      assert.strictEqual(entries[0]?.text, text)
    })
  )
})
