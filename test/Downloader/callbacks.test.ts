/**
 * Functions of the host program may have bugs. A bug is the defect of one download, and neither ends the process nor keeps it
 * alive.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as Hasher from "../../src/Hasher.js"
import * as Node from "../../src/Node.js"
import * as OriginGovernor from "../../src/OriginGovernor.js"
import * as Progress from "../../src/Progress.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { autoAdvance, Origin } from "../../src/testing.js"
import { http } from "../support/servers/loopback.js"

// Of "body".
const digest = "sha256:230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5"

const request = Download.request({
  url: "http://origin.test/a",
  destination: "/d/a",
  onExists: "overwrite",
  digest
})

const stack = Downloader.layer.pipe(
  Layer.provideMerge(Progress.layerRecording),
  Layer.provideMerge(
    Layer.merge(
      Origin.layer((asked) => Origin.file(asked, "body", { delay: "1 second" })),
      MemoryStore.layer
    )
  ),
  Layer.provideMerge(Logger.remove(Logger.defaultLogger))
)

const throwing = (): never => {
  throw new Error("a bug")
}

const portable = Hasher.Hasher.defaultValue()

const hashers: ReadonlyArray<readonly [string, typeof Hasher.Hasher.Service]> = [
  ["make", { ...portable, make: throwing }],
  ["update", { ...portable, make: (algorithm) => ({ ...portable.make(algorithm), update: throwing }) }],
  ["digest", { ...portable, make: (algorithm) => ({ ...portable.make(algorithm), digest: throwing }) }]
]

const governors: ReadonlyArray<
  readonly [
    string,
    (base: typeof OriginGovernor.OriginGovernor.Service) => typeof OriginGovernor.OriginGovernor.Service
  ]
> = [
  ["acquire", (base) => ({ ...base, acquire: throwing })],
  ["acquire that dies", (base) => ({ ...base, acquire: () => Exit.die("a bug") })],
  ["report", (base) => ({ ...base, report: throwing })],
  ["report that dies", (base) => ({ ...base, report: () => Exit.die("a bug") })],
  ["restMillis", (base) => ({ ...base, restMillis: throwing })],
  [
    "release of a permit",
    (base) => ({
      ...base,
      acquire: (origin, options) =>
        Effect.map(base.acquire(origin, options), (permit) => ({ ...permit, release: throwing }))
    })
  ]
]

/** A download with a bug in it has one outcome, and it is that of the file; the next download goes well. */
const check = (broken: <A, E, R>(download: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const { download } = yield* Downloader.Downloader
    const exit = yield* autoAdvance(Effect.exit(broken(download(request))))
    const { files, parts } = yield* MemoryStore.MemoryFiles
    const isThere = (yield* files).has("/d/a")
    assert.strictEqual(yield* parts, 0)
    assert.strictEqual((yield* Origin.Origin).open(), 0)
    const finished = (yield* (yield* Progress.Recorded).events).flatMap((event) =>
      event._tag === "Finished" ? [event.outcome._tag] : []
    )
    assert.deepStrictEqual(finished, [isThere ? "Saved" : "Cancelled"])
    assert.isTrue(isThere || (Exit.isFailure(exit) && Cause.isDie(exit.cause)))
    assert.strictEqual((yield* autoAdvance(download(request)))._tag, "Saved")
  })

/** The same on sockets and files, where most transfers run in the callbacks of a socket. */
const checkLive = (broken: <A, E, R>(download: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const origin = yield* http((_, response) => void response.end("body"))
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "halyard-callbacks-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true }))
    )
    const { download } = yield* Downloader.Downloader
    const request = Download.request({
      url: `${origin.url}/a`,
      destination: join(directory, "a"),
      onExists: "overwrite",
      digest
    })
    const exit = yield* Effect.exit(broken(download(request)))
    const left = readdirSync(directory)
    const finished = (yield* (yield* Progress.Recorded).events).flatMap((event) =>
      event._tag === "Finished" ? [event.outcome._tag] : []
    )
    assert.deepStrictEqual(finished, [left.length > 0 ? "Saved" : "Cancelled"])
    assert.includeDeepMembers([[], ["a"]], [left])
    assert.isTrue(left.length > 0 || (Exit.isFailure(exit) && Cause.isDie(exit.cause)))
    assert.strictEqual((yield* download(request))._tag, "Saved")
  })

const liveStack = Node.layerWith({ durability: "rename", retry: RetryPolicy.none }).pipe(
  Layer.provideMerge(Progress.layerRecording),
  Layer.provideMerge(Logger.remove(Logger.defaultLogger))
)

describe("a bug in", () => {
  for (const [where, hasher] of hashers) {
    it.effect(`a hasher's ${where} ends its download alone`, () =>
      Effect.provide(check(Effect.provideService(Hasher.Hasher, hasher)), stack)
    )

    it.scopedLive(`a hasher's ${where} ends its download alone, on sockets`, () =>
      Effect.provide(checkLive(Effect.provideService(Hasher.Hasher, hasher)), liveStack)
    )
  }

  for (const [where, change] of governors) {
    it.effect(`a governor's ${where} ends its download alone`, () =>
      Effect.flatMap(OriginGovernor.make(), (base) =>
        check(Effect.provideService(OriginGovernor.OriginGovernor, change(base)))
      ).pipe(Effect.provide(stack))
    )

    it.scopedLive(`a governor's ${where} ends its download alone, on sockets`, () =>
      Effect.flatMap(OriginGovernor.make(), (base) =>
        checkLive(Effect.provideService(OriginGovernor.OriginGovernor, change(base)))
      ).pipe(Effect.provide(liveStack))
    )
  }
})
