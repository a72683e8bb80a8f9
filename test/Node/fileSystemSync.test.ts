import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as FileSystemSync from "../../src/Node/fileSystemSync.js"

const temporaryFile = Effect.acquireRelease(
  Effect.sync(() => {
    const directory = mkdtempSync(join(tmpdir(), "halyard-sync-"))
    return { directory, descriptor: openSync(join(directory, "file"), "wx+") }
  }),
  ({ descriptor, directory }) =>
    Effect.sync(() => {
      closeSync(descriptor)
      rmSync(directory, { recursive: true })
    })
)

/** The ids of the shells that this process has started and that have not ended. */
const shells = (): ReadonlyArray<number> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const parent = Number(readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ")[1])
        return parent === process.pid && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("sync -f")
      } catch {
        // The process has ended meanwhile.
        return false
      }
    })

/** Syncs of file systems, after the first one. */
const synced = Effect.gen(function* () {
  const { descriptor } = yield* temporaryFile
  const scope = yield* Scope.make()
  const syncs = yield* Scope.extend(FileSystemSync.make, scope)
  yield* syncs.sync(descriptor)
  const [first] = shells()
  return { descriptor, first, scope, syncs }
})

// tmpfs and overlay file systems are synced file by file.
const canSync = Effect.runSync(
  Effect.scoped(
    Effect.map(
      Effect.all([temporaryFile, FileSystemSync.make]),
      ([{ descriptor }, syncs]) => syncs.fileSystemOf(descriptor) !== undefined
    )
  )
)

describe.skipIf(!canSync)("Node/fileSystemSync (needs ext4, XFS, Btrfs or F2FS for temporary files)", () => {
  it.scopedLive("syncs by one shell, which ends with the scope", () =>
    Effect.gen(function* () {
      const { descriptor, first, scope, syncs } = yield* synced
      yield* syncs.sync(descriptor)
      assert.isDefined(first)
      assert.deepStrictEqual(shells(), [first ?? 0])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(shells(), [])
    })
  )

  it.scopedLive("ends the shell if a sync is interrupted, and starts another one for the next sync", () =>
    Effect.gen(function* () {
      const { descriptor, first, scope, syncs } = yield* synced
      const fiber = yield* Effect.fork(syncs.sync(descriptor))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(fiber)
      yield* syncs.sync(descriptor)
      const [second] = shells().filter((pid) => pid !== first)
      assert.isTrue(first !== undefined && second !== undefined)
      yield* Scope.close(scope, Exit.void)
      assert.isFalse(shells().includes(second ?? 0))
    })
  )

  it.scopedLive("fails if the shell cannot be started", () =>
    Effect.gen(function* () {
      const { descriptor } = yield* temporaryFile
      const syncs = yield* FileSystemSync.make
      const path = process.env["PATH"]
      process.env["PATH"] = "/nowhere"
      const exit = yield* Effect.ensuring(
        Effect.exit(syncs.sync(descriptor)),
        Effect.sync(() => {
          process.env["PATH"] = path
        })
      )
      assert.isTrue(Exit.isFailure(exit))
    })
  )
})
