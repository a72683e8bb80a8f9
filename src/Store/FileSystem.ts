/**
 * A store on the `FileSystem` of the host program.
 *
 * A part is a file of its own beside the destination, opened exclusively, so that neither a link nor another process's
 * file is written through. It is published by sync, rename (or link, where nothing may be replaced) and a sync of the
 * directory.
 *
 * @since 0.1.0
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import { Disk } from "../DownloadError.js"
import { isTooManyOpen, whenThereIsOne } from "../internal/descriptors.js"
import { errnoOf, fromPlatformError, isUnsupported } from "../internal/diskErrors.js"
import { candidates } from "../internal/fileName.js"
import * as Printable from "../internal/printable.js"
import { type PublishOptions, Store } from "../Store.js"

/**
 * Makes a store of the `FileSystem` and `Path` in the context.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<typeof Store.Service, never, FileSystem.FileSystem | Path.Path> = Effect.gen(
  function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path

    // Short and of one length, so that it fits wherever the destination's own name fits.
    const partName = Effect.map(
      Effect.all([Random.nextIntBetween(0, 2 ** 31), Random.nextIntBetween(0, 2 ** 31)]),
      (numbers) => `.halyard-${numbers.map((number) => number.toString(36).padStart(6, "0")).join("")}.part`
    )

    // What a link leads to does not matter: it is the link that would be replaced.
    const exists = (destination: string) =>
      Effect.orElse(Effect.as(fs.readLink(destination), true), () =>
        Effect.flatMap(Effect.mapError(fs.exists(destination), fromPlatformError(destination)), (is) =>
          is ? Effect.as(unlessDirectory(destination), true) : Effect.succeed(false)
        )
      )

    const unlessDirectory = (destination: string) =>
      Effect.flatMap(Effect.mapError(fs.stat(destination), fromPlatformError(destination)), ({ type }) =>
        type === "Directory"
          ? new Disk({ path: Printable.line(destination), reason: "other", detail: "it is a directory" })
          : Effect.void
      )

    const syncDirectory = (directory: string) =>
      Effect.scoped(Effect.flatMap(fs.open(directory, { flag: "r" }), (handle) => handle.sync)).pipe(
        whenThereIsOne((error) => isTooManyOpen(errnoOf(error))),
        Effect.catchIf(
          // A directory that may be written and not read cannot be synced by this process.
          (error) => isUnsupported(errnoOf(error)) || errnoOf(error) === "EACCES",
          () => Effect.void
        )
      )

    // Not by the recursive operation of the file system: Node's never ends where a missing directory cannot be made.
    const makeDirectories = (directory: string): Effect.Effect<void, PlatformError> =>
      fs.makeDirectory(directory).pipe(
        Effect.catchIf(
          (error) => errnoOf(error) === "ENOENT" && path.dirname(directory) !== directory,
          () => Effect.zipRight(makeDirectories(path.dirname(directory)), fs.makeDirectory(directory))
        ),
        // A directory that a power cut takes takes its files along.
        Effect.zipRight(Effect.ignore(syncDirectory(path.dirname(directory)))),
        Effect.catchIf(
          (error) => errnoOf(error) === "EEXIST",
          () => Effect.void
        )
      )

    const openPart = (
      destination: string,
      attempts: number
    ): Effect.Effect<{ readonly file: FileSystem.File; readonly name: string }, Disk, Scope.Scope> =>
      Effect.flatMap(partName, (name) => {
        const temporary = path.join(path.dirname(destination), name)
        return fs.open(temporary, { flag: "wx" }).pipe(
          whenThereIsOne((error) => isTooManyOpen(errnoOf(error))),
          Effect.map((file) => ({ file, name: temporary })),
          Effect.mapError(fromPlatformError(destination)),
          // A seeded Random can repeat another process's names.
          Effect.catchIf(
            (error) => error.reason === "exists" && attempts > 1,
            () => openPart(destination, attempts - 1)
          )
        )
      })

    // Links where nothing may be replaced: unlike rename, link fails where the name is taken. File systems without
    // links leave a look beforehand as the second best. A temporary name that cannot be removed afterwards is left: the
    // file stands complete under its own.
    const moveExclusively = (temporary: string, destination: string): Effect.Effect<void, Disk> =>
      Effect.matchEffect(fs.link(temporary, destination), {
        onFailure: (error) =>
          isUnsupported(errnoOf(error))
            ? Effect.flatMap(exists(destination), (taken) =>
                taken
                  ? Effect.fail(new Disk({ path: Printable.line(destination), reason: "exists", detail: "" }))
                  : Effect.mapError(fs.rename(temporary, destination), fromPlatformError(destination))
              )
            : Effect.fail(fromPlatformError(destination)(error)),
        onSuccess: () => Effect.ignore(fs.remove(temporary))
      })

    const moveTo = Effect.fnUntraced(function* (
      temporary: string,
      destination: string,
      onExists: PublishOptions["onExists"]
    ) {
      if (onExists === "overwrite") {
        yield* Effect.mapError(fs.rename(temporary, destination), fromPlatformError(destination))
        return destination
      }
      for (const candidate of onExists === "unique" ? candidates(destination) : [destination]) {
        const isTaken = yield* Effect.catchIf(
          Effect.as(moveExclusively(temporary, candidate), false),
          (error) => error.reason === "exists",
          () => Effect.succeed(true)
        )
        if (!isTaken) {
          return candidate
        }
      }
      return onExists === "skip"
        ? undefined
        : yield* new Disk({ path: Printable.line(destination), reason: "exists", detail: "" })
    })

    return Store.of({
      prepare: (directory) =>
        makeDirectories(directory).pipe(
          Effect.zipRight(fs.access(directory, { writable: true })),
          Effect.zipRight(fs.stat(directory)),
          Effect.mapError(fromPlatformError(directory)),
          Effect.flatMap((info) =>
            info.type === "Directory"
              ? Effect.void
              : new Disk({ path: Printable.line(directory), reason: "not-a-directory", detail: "" })
          )
        ),
      exists,
      open: Effect.fnUntraced(function* (destination) {
        const scope = yield* Effect.scope
        const translate = Effect.mapError(fromPlatformError(destination))
        let published = false
        let sizeBytes = 0
        // A descriptor that is closed may be another file's by now.
        let isOpen = true
        const whileOpen = <A, E>(effect: Effect.Effect<A, E>) =>
          Effect.suspend(() => (isOpen ? effect : Effect.dieMessage("the part was published already")))
        // Acquisition is uninterruptible as a whole: there is no moment at which the file exists and nobody removes it.
        const { descriptors, file, name } = yield* Effect.acquireRelease(
          Effect.flatMap(Scope.fork(scope, scope.strategy), (descriptors) =>
            openPart(destination, 8).pipe(
              Scope.extend(descriptors),
              Effect.map((opened) => ({ ...opened, descriptors }))
            )
          ),
          ({ name }) => Effect.suspend(() => (published ? Effect.void : Effect.ignore(fs.remove(name))))
        )
        return {
          sizeBytes: () => sizeBytes,
          // Not interruptible: a write that was handed to the operating system cannot be taken back, and its
          // descriptor must not be closed under it.
          write: (chunk) =>
            whileOpen(file.writeAll(chunk)).pipe(
              translate,
              Effect.tap(
                Effect.sync(() => {
                  sizeBytes += chunk.length
                })
              ),
              Effect.uninterruptible
            ),
          restart: whileOpen(translate(file.truncate(0))).pipe(
            Effect.zipRight(file.seek(0, "start")),
            Effect.tap(
              Effect.sync(() => {
                sizeBytes = 0
              })
            ),
            Effect.uninterruptible
          ),
          publish: ({ durability, onExists }) =>
            Effect.gen(function* () {
              if (durability === "full") {
                yield* translate(file.sync)
              }
              isOpen = false
              // Some file systems find out only now that there is no room.
              yield* Effect.catchAllCause(
                Scope.close(descriptors, Exit.void),
                () => new Disk({ path: Printable.line(destination), reason: "other", detail: "it could not be closed" })
              )
              const standsAt = yield* moveTo(name, destination, onExists)
              if (standsAt === undefined) {
                return undefined
              }
              published = true
              if (durability === "full") {
                yield* Effect.mapError(
                  syncDirectory(path.dirname(destination)),
                  (error) => new Disk({ ...fromPlatformError(destination)(error), reason: "not-durable" })
                )
              }
              return standsAt
            }).pipe(Effect.uninterruptible)
        }
      })
    })
  }
)

/**
 * The store on the `FileSystem` and `Path` in the context.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Store, never, FileSystem.FileSystem | Path.Path> = Layer.effect(Store, make)
