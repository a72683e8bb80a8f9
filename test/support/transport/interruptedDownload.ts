/**
 * A download at a simulated origin that is interrupted, and what it must not leave.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import type { Downloader } from "../../../src/Downloader.js"
import * as OriginGovernor from "../../../src/OriginGovernor.js"
import * as MemoryStore from "../../../src/Store/Memory.js"
import { Origin } from "../../../src/testing.js"

/** No connection is open, and no permit is taken. */
export const nothingIsLeft = Effect.gen(function* () {
  const origin = yield* Origin.Origin
  const governor = yield* OriginGovernor.OriginGovernor
  assert.strictEqual(origin.open(), 0)
  assert.strictEqual(governor.inUse().permits, 0)
})

/** Interrupts the download at `count` moments, 75 ms apart. Each time it leaves no connection, permit, part or file. */
export const leavesNothing = <A, E>(
  count: number,
  download: Effect.Effect<A, E, Downloader>,
  layer: Layer.Layer<Downloader | Origin.Origin | OriginGovernor.OriginGovernor | MemoryStore.MemoryFiles>
) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => index * 75),
    (millis) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(download)
        yield* TestClock.adjust(millis)
        yield* Fiber.interrupt(fiber)
        yield* nothingIsLeft
        const { files, parts } = yield* MemoryStore.MemoryFiles
        assert.strictEqual(yield* parts, 0)
        assert.strictEqual((yield* files).size, 0)
      }).pipe(Effect.provide(layer)),
    { discard: true }
  )
