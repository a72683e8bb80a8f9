/**
 * A store on calls of the operating system that come back at once, for as long as they are measured to do so.
 *
 * Handing one call to a thread and back takes longer than what a local file system needs for a small file as a whole. So
 * a small body is kept in memory and written, closed and renamed in one go, a larger one as it comes; where the calls turn
 * out slow (a busy disk, a network), files go through `Store/FileSystem`, and the calls are tried again later.
 *
 * @since 0.2.0
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { fromCause } from "../DownloadError/diskErrors.js"
import * as Store from "../Store.js"
import { type Bounds, DirectPart, parkOne, type Site } from "./directPart.js"
import * as FileSystemStore from "./FileSystem.js"
import * as PartName from "./partName.js"
import * as Quickness from "./syncWriteProbe.js"
import type { SystemCalls } from "./systemCalls.js"
import { makeRoom } from "./writeBuffer.js"

const defaultBounds: Bounds = { smallBytes: 256 * 1024, blockBytes: 64 * 1024 }

/** @internal */
export const make = (
  calls: SystemCalls,
  bounds: Bounds = defaultBounds
): Effect.Effect<typeof Store.Store.Service, never, FileSystem.FileSystem | Path.Path | Scope.Scope> =>
  Effect.gen(function* () {
    const path = yield* Path.Path
    const room = makeRoom()
    const base = yield* FileSystemStore.makeIn(room)
    const clock = yield* Effect.clock
    const drawName = yield* PartName.make
    // Where the name begins. Not by `dirname`, which goes through a path character by character.
    const nameAt = (destination: string): number =>
      path.sep === "/"
        ? destination.lastIndexOf("/") + 1
        : Math.max(destination.lastIndexOf("/"), destination.lastIndexOf("\\"), destination.lastIndexOf(":")) + 1
    const site: Site = {
      calls,
      quickness: Quickness.make(() => Number(clock.unsafeCurrentTimeNanos()) / 1e6),
      directoryOf: (destination) => path.dirname(destination),
      partName: (destination) => destination.slice(0, nameAt(destination)) + drawName(),
      room,
      bounds,
      open: new Set()
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => calls.lend(() => parkOne(site))),
      (end) => Effect.sync(end)
    )
    return Store.Store.of({
      ...base,
      exists: (destination) => {
        if (!site.quickness.isQuick()) {
          return base.exists(destination)
        }
        try {
          return Exit.succeed(site.quickness.measure(() => calls.exists(destination)))
        } catch (cause) {
          return Exit.fail(fromCause(destination, cause))
        }
      },
      open: (destination) =>
        site.quickness.isQuick() ? Exit.succeed(new DirectPart(site, destination)) : base.open(destination)
    })
  })

/** @internal */
export const layer = (
  calls: SystemCalls,
  bounds?: Bounds
): Layer.Layer<Store.Store, never, FileSystem.FileSystem | Path.Path> => Layer.scoped(Store.Store, make(calls, bounds))
