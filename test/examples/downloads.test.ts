import { assert, it } from "@effect/vitest"
import { Effect, Fiber, TestClock } from "effect"
import { Download, Downloader, MemoryStore, Progress, RetryPolicy } from "halyard"
import { autoAdvance, layer, Origin } from "halyard/testing"

const report = Download.request({ url: "https://files.example/report.pdf", destination: "report.pdf" })

const download = Effect.flatMap(Downloader.Downloader, (downloader) => downloader.download(report))

it.effect("gives up an origin that never answers", () =>
  Effect.gen(function* () {
    const error = yield* autoAdvance(Effect.flip(download))
    assert.deepInclude(error, { _tag: "Timeout", phase: "headers" })
  }).pipe(Effect.provide(layer(() => ({ instead: "silence" }), { retry: RetryPolicy.none })))
)

it.effect("waits as long as the origin asks for, and tries again", () =>
  Effect.gen(function* () {
    const saved = yield* autoAdvance(download)
    assert.deepInclude(saved, { _tag: "Saved", attempts: 2 })
    const [first, second] = (yield* Origin.Origin).requests()
    assert.isAtLeast((second?.atMillis ?? 0) - (first?.atMillis ?? 0), 60_000)
    const told = (yield* (yield* Progress.Recorded).events).map(({ _tag }) => _tag)
    assert.deepStrictEqual(told, ["Started", "Exchanged", "Retrying", "Exchanged", "Finished"])
  }).pipe(
    Effect.provide(
      layer((request) =>
        request.turn === 0 ? { status: 429, headers: { "retry-after": "60" } } : Origin.file(request, "the report")
      )
    )
  )
)

it.effect("leaves nothing of a download that is cancelled", () =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(download)
    yield* TestClock.adjust("5 seconds")
    const memory = yield* MemoryStore.MemoryFiles
    assert.strictEqual(yield* memory.parts, 1)
    yield* Fiber.interrupt(fiber)
    assert.strictEqual(yield* memory.parts, 0)
    assert.strictEqual((yield* memory.files).size, 0)
    assert.strictEqual((yield* Origin.Origin).open(), 0)
  }).pipe(
    Effect.provide(layer((request) => Origin.file(request, "the report", { chunkBytes: 1, chunkDelay: "1 second" })))
  )
)
