/**
 * The store on Node: on `node:fs` at once while that is quick, and through its thread pool where it is not. A call that
 * never comes back, of a network file system that is gone, holds the thread; a host program for which that matters uses
 * `Store/FileSystem`.
 *
 * @since 0.2.0
 */
import * as Fs from "node:fs"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { codeOf, isUnsupported } from "../internal/diskErrors.js"
import type { SystemCalls } from "../internal/systemCalls.js"
import * as DirectStore from "../Store/Direct.js"
import type { Store } from "../Store.js"

const done =
  <A>(resume: (effect: Effect.Effect<A, unknown>) => void) =>
  (error: NodeJS.ErrnoException | null, value: A): void =>
    resume(error === null ? Effect.succeed(value) : Effect.fail(error))

const calls: SystemCalls = {
  create: (path) => Fs.openSync(path, "wx+"),
  write: (descriptor, bytes, positionBytes) => Fs.writeSync(descriptor, bytes, 0, bytes.length, positionBytes),
  empty: (descriptor) => Fs.ftruncateSync(descriptor, 0),
  close: (descriptor) => Fs.closeSync(descriptor),
  rename: (from, to) => Fs.renameSync(from, to),
  link: (from, to) => Fs.linkSync(from, to),
  remove: (path) => Fs.unlinkSync(path),
  exists: (path) => {
    const found = Fs.lstatSync(path, { throwIfNoEntry: false })
    if (found?.isDirectory()) {
      throw Object.assign(new Error("it is a directory"), { code: "EISDIR" })
    }
    return found !== undefined
  },
  writeAndWait: (descriptor, bytes, positionBytes) =>
    Effect.async((resume) => Fs.write(descriptor, bytes, 0, bytes.length, positionBytes, done<number>(resume))),
  readAndWait: (descriptor, into, positionBytes) =>
    Effect.async((resume) => Fs.read(descriptor, into, 0, into.length, positionBytes, done<number>(resume))),
  sync: (descriptor) => Effect.async((resume) => Fs.fsync(descriptor, (error) => done<void>(resume)(error, undefined))),
  syncDirectory: (path) =>
    Effect.async((resume) =>
      Fs.open(path, "r", (error, descriptor) => {
        if (error !== null) {
          // A directory that may be written and not read cannot be synced by this process.
          resume(isUnsupported(codeOf(error)) || codeOf(error) === "EACCES" ? Effect.void : Effect.fail(error))
          return
        }
        Fs.fsync(descriptor, (failure) => {
          Fs.close(descriptor, () => {
            resume(failure === null || isUnsupported(codeOf(failure)) ? Effect.void : Effect.fail(failure))
          })
        })
      })
    )
}

/**
 * The store on `node:fs`.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer: Layer.Layer<Store> = Layer.suspend(() =>
  DirectStore.layer(calls).pipe(Layer.provide(Layer.merge(NodeFileSystem.layer, NodePath.layer)))
)
