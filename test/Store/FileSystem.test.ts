import { execFileSync } from "node:child_process"
import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as FileSystemStore from "../../src/Store/FileSystem.js"
import { openScoped, type PublishOptions, Store } from "../../src/Store.js"
import * as Contracts from "../../src/testing/Contracts.js"
import { runCases } from "../support/runCases.js"

const nodeLayer = Layer.merge(NodeFileSystem.layer, NodePath.layer)

const storeLayer = FileSystemStore.layer.pipe(Layer.provide(nodeLayer))

const write = (destination: string, onExists: PublishOptions["onExists"] = "overwrite") =>
  Effect.flatMap(Store, (store) =>
    Effect.scoped(
      Effect.flatMap(openScoped(store, destination), (part) =>
        Effect.zipRight(
          Effect.suspend(() => part.write(new TextEncoder().encode("new"), 0)),
          Effect.suspend(() => part.publish({ onExists, durability: "full" }))
        )
      )
    )
  )

/** The real file system, with some of its operations failing or being noted. */
const storeOver = (change: (fs: FileSystem.FileSystem) => Partial<FileSystem.FileSystem>) =>
  FileSystemStore.layer.pipe(
    Layer.provide(
      Layer.effect(
        FileSystem.FileSystem,
        Effect.map(FileSystem.FileSystem, (fs) => FileSystem.FileSystem.of({ ...fs, ...change(fs) }))
      )
    ),
    Layer.provide(nodeLayer)
  )

const failing = (code: string) =>
  new SystemError({
    reason: "Unknown",
    module: "FileSystem",
    method: "test",
    cause: Object.assign(new Error(code), { code })
  })

describe("Store/FileSystem", () => {
  runCases(
    Contracts.store(
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* fs.makeTempDirectoryScoped()
        const destination = `${directory}/file`
        return {
          layer: storeLayer,
          destination,
          keeps: true,
          read: Effect.orElseSucceed(fs.readFileString(destination), () => undefined),
          parts: Effect.map(
            Effect.orDie(fs.readDirectory(directory)),
            (names) => names.filter((name) => name.endsWith(".part")).length
          ),
          makeDirectory: Effect.orDie(fs.makeDirectory(destination)),
          makeLink: (to: string) =>
            Effect.orDie(Effect.zipRight(fs.remove(destination, { force: true }), fs.symlink(to, destination))),
          modes: {
            all: Effect.orDie(
              Effect.flatMap(fs.readDirectory(directory), (names) =>
                Effect.forEach(names, (name) =>
                  Effect.map(fs.stat(`${directory}/${name}`), ({ mode }) => mode & 0o7777)
                )
              )
            ),
            set: (mode: number) => Effect.orDie(fs.chmod(destination, mode))
          }
        }
      }).pipe(Effect.orDie, Effect.provide(nodeLayer))
    )
  )

  const inDirectory = (
    title: string,
    body: (directory: string, fs: FileSystem.FileSystem) => Effect.Effect<void, unknown, Store>
  ) =>
    it.scopedLive(title, () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        yield* body(yield* fs.makeTempDirectoryScoped(), fs)
      }).pipe(Effect.provide([storeLayer, nodeLayer]))
    )

  inDirectory("replaces a link, and does not write through it", (directory, fs) =>
    Effect.gen(function* () {
      yield* fs.writeFileString(`${directory}/precious`, "precious")
      yield* fs.symlink(`${directory}/precious`, `${directory}/file`)
      yield* write(`${directory}/file`)
      assert.strictEqual(yield* fs.readFileString(`${directory}/precious`), "precious")
      assert.strictEqual(yield* fs.readFileString(`${directory}/file`), "new")
    })
  )

  inDirectory("does not replace a pipe", (directory, fs) =>
    Effect.gen(function* () {
      execFileSync("mkfifo", [`${directory}/pipe`])
      const error = yield* Effect.flip(write(`${directory}/pipe`))
      assert.propertyVal(error, "detail", "it is a device, a pipe or a socket")
      assert.strictEqual((yield* fs.stat(`${directory}/pipe`)).type, "FIFO")
      assert.strictEqual(yield* write(`${directory}/pipe`, "unique"), `${directory}/pipe-2`)
    })
  )

  inDirectory("counts a broken link as something that exists", (directory, fs) =>
    Effect.gen(function* () {
      yield* fs.symlink(`${directory}/nowhere`, `${directory}/file`)
      assert.deepStrictEqual(yield* Effect.flatMap(Store, (store) => store.stat(`${directory}/file`)), {
        sizeBytes: undefined,
        modifiedMillis: undefined
      })
      const error = yield* Effect.flip(write(`${directory}/file`, "fail"))
      assert.propertyVal(error, "reason", "exists")
    })
  )

  inDirectory("says which directory is missing", (directory) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(write(`${directory}/no/such/file`))
      assert.deepInclude(error, { _tag: "Disk", reason: "missing", path: `${directory}/no/such/file` })
    })
  )

  inDirectory("publishes under the longest name that the file system takes", (directory, fs) =>
    Effect.gen(function* () {
      const name = "n".repeat(255)
      yield* write(`${directory}/${name}`)
      assert.deepStrictEqual(yield* fs.readDirectory(directory), [name])
    })
  )

  inDirectory("prepares a directory, and says if it cannot", (directory, fs) =>
    Effect.gen(function* () {
      const store = yield* Store
      yield* store.prepare(`${directory}/a/b`)
      yield* store.prepare(`${directory}/a/b`)
      assert.strictEqual((yield* fs.stat(`${directory}/a/b`)).type, "Directory")
      yield* fs.writeFileString(`${directory}/file`, "")
      for (const path of [`${directory}/file`, `${directory}/file/below`]) {
        assert.strictEqual((yield* Effect.flip(store.prepare(path))).reason, "not-a-directory")
      }
    })
  )

  for (const [code, reason] of [
    ["ENOSPC", "full"],
    ["EDQUOT", "full"],
    ["EACCES", "permission"],
    ["EROFS", "permission"],
    ["EIO", "other"]
  ] as const) {
    it.scopedLive(`reports ${code} from every step as ${reason}, and leaves nothing behind`, () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const error = failing(code)
        const broken = (part: Partial<Omit<FileSystem.File, "fd">>) => (real: FileSystem.FileSystem) => ({
          open: (path: string, options?: FileSystem.OpenFileOptions) =>
            Effect.map(
              real.open(path, options),
              (file): FileSystem.File => (options?.flag === "wx+" ? Object.assign(Object.create(file), part) : file)
            )
        })
        const steps = {
          open: () => ({ open: () => Effect.fail(error) }),
          write: broken({ write: () => Effect.fail(error) }),
          rename: () => ({ rename: () => Effect.fail(error) })
        }
        for (const [step, change] of Object.entries(steps)) {
          const directory = yield* fs.makeTempDirectoryScoped()
          yield* fs.writeFileString(`${directory}/file`, "old")
          const failure = yield* Effect.flip(Effect.provide(write(`${directory}/file`), storeOver(change)))
          assert.deepInclude(failure, { _tag: "Disk", reason }, step)
          assert.deepStrictEqual(yield* fs.readDirectory(directory), ["file"], step)
          assert.strictEqual(yield* fs.readFileString(`${directory}/file`), "old", step)
        }
      }).pipe(Effect.provide(nodeLayer))
    )
  }

  it.scopedLive("publishes without replacing if the file system has no links", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      const withoutLinks = storeOver(() => ({ link: () => Effect.fail(failing("EOPNOTSUPP")) }))
      assert.strictEqual(yield* Effect.provide(write(`${directory}/file`, "fail"), withoutLinks), `${directory}/file`)
      assert.strictEqual(yield* Effect.provide(write(`${directory}/file`, "skip"), withoutLinks), undefined)
      const error = yield* Effect.flip(Effect.provide(write(`${directory}/file`, "fail"), withoutLinks))
      assert.strictEqual(error.reason, "exists")
      assert.deepStrictEqual(yield* fs.readDirectory(directory), ["file"])
      const other = yield* Effect.provide(write(`${directory}/file`, "unique"), withoutLinks)
      assert.strictEqual(other, `${directory}/file-2`)
    }).pipe(Effect.provide(nodeLayer))
  )

  it.scopedLive("draws another name for a part if the first one is taken", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      const refusals = yield* Ref.make(2)
      const crowded = storeOver((real) => ({
        open: (path, options) =>
          Effect.flatMap(
            Ref.updateAndGet(refusals, (left) => left - 1),
            (left) => (options?.flag === "wx+" && left >= 0 ? Effect.fail(failing("EEXIST")) : real.open(path, options))
          )
      }))
      yield* Effect.provide(write(`${directory}/file`), crowded)
      assert.deepStrictEqual(yield* fs.readDirectory(directory), ["file"])
    }).pipe(Effect.provide(nodeLayer))
  )

  it.scopedLive("has published if only the temporary name cannot be removed", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      for (const onExists of ["fail", "skip"] as const) {
        const directory = yield* fs.makeTempDirectoryScoped()
        const stubborn = storeOver(() => ({ remove: () => Effect.fail(failing("EPERM")) }))
        assert.strictEqual(yield* Effect.provide(write(`${directory}/file`, onExists), stubborn), `${directory}/file`)
        assert.strictEqual(yield* fs.readFileString(`${directory}/file`), "new")
      }
    }).pipe(Effect.provide(nodeLayer))
  )

  it.scopedLive("reports that a directory that it made may not survive a power cut", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      const undurable = storeOver((real) => ({
        open: (path, options) => (options?.flag === "r" ? Effect.fail(failing("EIO")) : real.open(path, options))
      }))
      const prepare = Effect.provide(
        Effect.flatMap(Store, (store) => store.prepare(`${directory}/a/b`)),
        undurable
      )
      assert.deepInclude(yield* Effect.flip(prepare), { _tag: "Disk", path: `${directory}/a/b`, reason: "other" })
      // Not for one that was there.
      yield* fs.makeDirectory(`${directory}/a/b`, { recursive: true })
      yield* prepare
    }).pipe(Effect.provide(nodeLayer))
  )

  for (const [code, said] of [
    ["Unknown system error -122", "the disk quota is exceeded"],
    ["EDQUOT", "the disk quota is exceeded"],
    ["EROFS", "the file system is read-only"],
    ["Unknown system error -116", "the file handle is stale"],
    ["ENAMETOOLONG", "the name is too long"],
    ["ENXIO", "there is no such device"]
  ] as const) {
    it.scopedLive(`says of ${code} that ${said}`, () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* fs.makeTempDirectoryScoped()
        const broken = storeOver(() => ({ rename: () => Effect.fail(failing(code)) }))
        const error = yield* Effect.flip(Effect.provide(write(`${directory}/file`), broken))
        assert.include(error.message, said)
      }).pipe(Effect.provide(nodeLayer))
    )
  }

  it.scopedLive("says that the complete file is there but not durable, if the directory cannot be synced", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      const undurable = storeOver((real) => ({
        open: (path, options) => (options?.flag === "r" ? Effect.fail(failing("EIO")) : real.open(path, options))
      }))
      const error = yield* Effect.flip(Effect.provide(write(`${directory}/file`), undurable))
      assert.deepInclude(error, { _tag: "Disk", reason: "not-durable" })
      assert.strictEqual(yield* fs.readFileString(`${directory}/file`), "new")
    }).pipe(Effect.provide(nodeLayer))
  )
})
