/**
 * Files that the server names.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as DirectStore from "../../src/Store/Direct.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { autoAdvance, Disk, layer, Origin } from "../../src/testing.js"

const named = (name: string) => ({ "content-disposition": `attachment; filename="${name}"` })

/** `/as/NAME` names the file NAME, `/to/…` redirects, and every other path names nothing. */
const world = layer((asked) => {
  const { pathname } = new URL(asked.url)
  if (pathname.startsWith("/to/")) {
    return { status: 302, headers: { location: "/redirected.bin", ...named("of-a-redirect.bin") } }
  }
  const [, name] = /^\/as\/(.*)$/.exec(pathname) ?? []
  return Origin.file(asked, asked.url, {
    delay: 10,
    headers: name === undefined ? {} : named(decodeURIComponent(name))
  })
})

const request = (path: string, onExists: Download.DownloadRequest["onExists"] = "overwrite") =>
  Download.request({ url: `http://origin.test${path}`, destination: "/d/fallback", nameFrom: "server", onExists })

const run = (...requests: ReadonlyArray<Download.DownloadRequest>) =>
  autoAdvance(
    Effect.flatMap(Downloader.Downloader, (downloader) =>
      Stream.runCollect(downloader.run(Stream.fromIterable(requests), { concurrency: 8 }))
    )
  ).pipe(Effect.map((outcomes) => Array.from(outcomes)))

const destinations = (outcomes: ReadonlyArray<Download.DownloadOutcome>) =>
  outcomes.map((outcome) => ("destination" in outcome ? outcome.destination : undefined)).sort()

const files = Effect.flatMap(MemoryStore.MemoryFiles, (memory) =>
  Effect.map(
    memory.files,
    (all) => new Map(Array.from(all, ([path, bytes]) => [path, new TextDecoder().decode(bytes)]))
  )
)

describe("nameFrom: server", () => {
  it.effect("saves the file under the server's name, beside the destination", () =>
    Effect.gen(function* () {
      const [outcome] = yield* run(request("/as/report.pdf?id=1"))
      assert.isTrue(outcome instanceof Download.Saved)
      assert.deepInclude(outcome, { destination: "/d/report.pdf", serverName: "report.pdf" })
      assert.deepStrictEqual(Array.from(yield* files), [["/d/report.pdf", "http://origin.test/as/report.pdf?id=1"]])
    }).pipe(Effect.provide(world))
  )

  it.effect("makes the name safe and keeps it in the directory", () =>
    Effect.gen(function* () {
      const outcomes = yield* run(request("/as/..%2F..%2F.bashrc"), request("/as/CON"), request("/as/a%3Ab"))
      assert.deepStrictEqual(destinations(outcomes), ["/d/_CON", "/d/_bashrc", "/d/a_b"])
    }).pipe(Effect.provide(world))
  )

  it.effect("uses the destination if the server gives no name, and never the name of a redirect", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(destinations(yield* run(request("/plain"))), ["/d/fallback"])
      assert.deepStrictEqual(destinations(yield* run(request("/to/x"))), ["/d/fallback"])
    }).pipe(Effect.provide(world))
  )

  for (const onExists of ["overwrite", "skip", "fail", "unique"] as const) {
    it.effect(`gives no two files of a run one name with ${onExists}`, () =>
      Effect.gen(function* () {
        const requests = ["?1", "?2", "?3"].map((query) => request(`/as/a.txt${query}`, onExists))
        const outcomes = yield* run(...requests, request("/as/A.TXT", onExists))
        assert.deepStrictEqual(
          outcomes.map(({ _tag }) => _tag),
          ["Saved", "Saved", "Saved", "Saved"]
        )
        assert.strictEqual(new Set(Array.from((yield* files).values())).size, 4)
      }).pipe(Effect.provide(world))
    )
  }

  for (const other of ["overwrite", "update", "unique"] as const) {
    for (const isInOrder of [true, false]) {
      it.effect(`keeps the name of unique from ${other} ${isInOrder ? "later" : "earlier"} in the run`, () =>
        Effect.gen(function* () {
          const requests = [request("/as/a.txt?1", "unique"), request("/as/a.txt?2", other)]
          const { run } = yield* Downloader.Downloader
          const outcomes = yield* autoAdvance(
            Stream.runCollect(
              run(Stream.fromIterable(isInOrder ? requests : requests.toReversed()), { concurrency: 1 })
            )
          )
          assert.deepStrictEqual(destinations(Array.from(outcomes)), ["/d/a-2.txt", "/d/a.txt"])
          assert.strictEqual(new Set((yield* files).values()).size, 2)
        }).pipe(Effect.provide(world))
      )
    }

    it.effect(`keeps the name of unique from ${other} if an earlier run has the first name`, () =>
      Effect.gen(function* () {
        yield* run(request("/as/a.txt?old"))
        const { run: runAll } = yield* Downloader.Downloader
        const outcomes = yield* autoAdvance(
          Stream.runCollect(
            runAll(Stream.make(request("/as/a.txt?1", "unique"), request("/as/a-2.txt?2", other)), { concurrency: 1 })
          )
        )
        assert.deepStrictEqual(destinations(Array.from(outcomes)), ["/d/a-2-2.txt", "/d/a-2.txt"])
        assert.strictEqual(new Set((yield* files).values()).size, 3)
      }).pipe(Effect.provide(world))
    )
  }

  it.effect("finds a free name behind ten thousand files", () => {
    const disk = new Disk.Disk()
    for (let number = 1; number <= 10_000; number++) {
      disk.put(number === 1 ? "/d/a.txt" : `/d/a-${number}.txt`, new Uint8Array(1))
    }
    const services = Layer.merge(
      Layer.provide(DirectStore.layer(disk.calls()), disk.layer),
      Origin.layer(() => ({ status: 200, headers: named("a.txt"), body: new Uint8Array(3) }))
    )
    return Effect.gen(function* () {
      const [outcome] = yield* run(request("/x", "unique"))
      assert.deepInclude(outcome, { destination: "/d/a-10001.txt" })
    }).pipe(Effect.provide(Layer.provide(Downloader.layer, services)))
  })

  it.effect("applies onExists to the name of the server", () =>
    Effect.gen(function* () {
      yield* run(request("/as/a.txt?old"))
      const [skipped] = yield* run(request("/as/a.txt?new", "skip"))
      assert.isTrue(skipped instanceof Download.Skipped)
      assert.deepInclude(skipped, { destination: "/d/a.txt" })
      const [failed] = yield* run(request("/as/a.txt?new", "fail"))
      assert.isTrue(failed instanceof Download.Failed && failed.error._tag === "Disk")
      assert.strictEqual((yield* files).get("/d/a.txt"), "http://origin.test/as/a.txt?old")
      assert.deepStrictEqual(destinations(yield* run(request("/as/a.txt?new", "unique"))), ["/d/a-2.txt"])
      assert.deepStrictEqual(destinations(yield* run(request("/as/a.txt?new"))), ["/d/a.txt"])
      assert.strictEqual((yield* files).get("/d/a.txt"), "http://origin.test/as/a.txt?new")
      assert.strictEqual(yield* (yield* MemoryStore.MemoryFiles).parts, 0)
    }).pipe(Effect.provide(world))
  )

  it.effect("shares one transfer between two callers of one URL", () =>
    Effect.gen(function* () {
      const { download } = yield* Downloader.Downloader
      const both = yield* autoAdvance(
        Effect.all([download(request("/as/a.txt")), download(request("/as/a.txt"))], { concurrency: 2 })
      )
      assert.deepStrictEqual(destinations(both), ["/d/a.txt", "/d/a.txt"])
      assert.strictEqual((yield* Origin.Origin).requests().length, 1)
    }).pipe(Effect.provide(world))
  )

  it.effect("keeps the first name if a later attempt starts over", () => {
    const changing = layer((asked) =>
      Origin.file(asked, "0123456789", {
        chunkBytes: 2,
        headers: named(`${asked.turn}.txt`),
        ...(asked.turn === 0 ? { breakAt: { bytes: 4, how: "reset" as const } } : {})
      })
    )
    return Effect.gen(function* () {
      assert.deepStrictEqual(destinations(yield* run(request("/x"))), ["/d/0.txt"])
      assert.strictEqual((yield* Origin.Origin).requests().length, 2)
    }).pipe(Effect.provide(changing))
  })
})
