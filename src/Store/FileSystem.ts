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
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { errnoOf, fromPlatformError, isSpecial, isUnsupported } from "../DownloadError/diskErrors.js"
import { Disk } from "../DownloadError.js"
import { completeWhenDescriptorFree, isTooManyOpenCode, retryUntilDescriptorFree } from "../internal/descriptors.js"
import { candidates } from "../internal/text/fileNames.js"
import * as Printable from "../internal/text/printable.js"
import { type PublishOptions, Store } from "../Store.js"
import { type Access, modeFor } from "./fileAccess.js"
import * as PartName from "./partName.js"
import { makeRoom, type Room, WriteBuffer } from "./writeBuffer.js"

// Small chunks are collected into blocks of this size.
const blockBytes = 64 * 1024

/** @internal */
export const makeIn = (room: Room): Effect.Effect<typeof Store.Service, never, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path

    const drawName = yield* PartName.make

    // What a link leads to does not matter: it is the link that would be replaced.
    const exists = (destination: string) =>
      Effect.orElse(Effect.as(fs.readLink(destination), true), () =>
        Effect.flatMap(Effect.mapError(fs.exists(destination), fromPlatformError(destination)), (is) =>
          is ? Effect.as(unlessDirectory(destination), true) : Effect.succeed(false)
        )
      )

    const isTaken = (destination: string) =>
      Effect.catchIf(
        exists(destination),
        ({ detail }) => detail === isDirectory,
        () => Effect.succeed(true)
      )

    const unlessDirectory = (destination: string) =>
      Effect.flatMap(Effect.mapError(fs.stat(destination), fromPlatformError(destination)), ({ type }) =>
        type === "Directory"
          ? new Disk({ path: Printable.line(destination), reason: "other", detail: isDirectory })
          : Effect.void
      )

    /** The access of the regular file at this path; undefined for a link, a directory, or if there is no file. */
    const accessOf = (path: string): Effect.Effect<Access | "special" | undefined, PlatformError> =>
      // The link first: what it leads to may be no business of this process, or nothing.
      Effect.matchEffect(fs.readLink(path), {
        onSuccess: () => Effect.succeed(undefined),
        onFailure: () =>
          Effect.map(infoOf(path), (info) => {
            if (info === undefined || info.type === "Directory") {
              return undefined
            }
            return info.type === "File" ? { mode: info.mode, ...ownerOf(info) } : "special"
          })
      })

    const infoOf = (path: string): Effect.Effect<FileSystem.File.Info | undefined, PlatformError> =>
      Effect.catchIf(
        fs.stat(path),
        (error) => absent.has(errnoOf(error)),
        () => Effect.succeed(undefined)
      )

    // By name, because a `File` has no such operations. Until then, only the owner can read the part.
    const setAccess = Effect.fnUntraced(function* (name: string, access: Access) {
      const own = ownerOf(yield* fs.stat(name))
      const isSame = own.uid === access.uid && own.gid === access.gid
      const isChanged = isSame
        ? true
        : yield* Effect.match(fs.chown(name, access.uid, access.gid), { onSuccess: () => true, onFailure: () => false })
      yield* Effect.catchIf(
        fs.chmod(name, modeFor(access, isChanged ? access : own)),
        (error) => isUnsupported(errnoOf(error)),
        () => Effect.void
      )
    })

    const syncDirectory = (directory: string) =>
      Effect.scoped(Effect.flatMap(fs.open(directory, { flag: "r" }), (handle) => handle.sync)).pipe(
        completeWhenDescriptorFree((error) => isTooManyOpenCode(errnoOf(error))),
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
        Effect.as(true),
        Effect.catchIf(
          (error) => errnoOf(error) === "EEXIST",
          () => Effect.succeed(false)
        ),
        // If a power cut loses a directory, its files are lost as well.
        Effect.flatMap((isNew) => (isNew ? syncDirectory(path.dirname(directory)) : Effect.void))
      )

    const openPart = (
      destination: string,
      access: Access | undefined,
      attempts: number
    ): Effect.Effect<{ readonly file: FileSystem.File; readonly name: string }, Disk, Scope.Scope> =>
      Effect.suspend(() => {
        const temporary = path.join(path.dirname(destination), drawName())
        // Exclusive: no link is followed, and no file of another process is written to.
        const options = access === undefined ? { flag: "wx+" as const } : { flag: "wx+" as const, mode: 0o600 }
        return fs.open(temporary, options).pipe(
          retryUntilDescriptorFree((error) => isTooManyOpenCode(errnoOf(error))),
          Effect.map((file) => ({ file, name: temporary })),
          Effect.mapError(fromPlatformError(destination)),
          // A `Random` of the program can repeat the names of another process.
          Effect.catchIf(
            (error) => error.reason === "exists" && attempts > 1,
            () => openPart(destination, access, attempts - 1)
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
            ? Effect.flatMap(isTaken(destination), (taken) =>
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
      // `exists` fails if a directory took the name in the meantime, because a directory cannot be skipped as a file.
      return onExists === "skip" && (yield* exists(destination))
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
        const translate = Effect.mapError(fromPlatformError(destination))
        // The file is published or removed.
        let isFinished = false
        // Where the next write of the file begins, if the file is not told otherwise.
        let filePositionBytes = 0
        // A descriptor that is closed may be another file's by now.
        let isOpen = true
        // Set when accepted bytes could not be written: the part cannot be published any more.
        let broken: Disk | undefined
        const buffer = new WriteBuffer(room)
        const found = yield* translate(accessOf(destination))
        const atOpening = found === "special" ? undefined : found
        const descriptors = yield* Scope.make()
        const { file, name } = yield* openPart(destination, atOpening, 8).pipe(
          Scope.extend(descriptors),
          Effect.onError((cause) => Scope.close(descriptors, Exit.failCause(cause)))
        )
        const one = yield* Effect.makeSemaphore(1)
        // Not interruptible: a write that was handed to the operating system cannot be taken back, and its descriptor must
        // not be closed under it.
        const whileOpen = <A, E>(effect: Effect.Effect<A, E>) =>
          Effect.uninterruptible(
            one.withPermits(1)(
              Effect.suspend(() => (isOpen ? effect : Effect.dieMessage("the part was published already")))
            )
          )
        const keep = (chunk: Uint8Array, positionBytes: number): boolean =>
          isOpen &&
          broken === undefined &&
          chunk.length < blockBytes / 4 &&
          buffer.add(chunk, positionBytes, blockBytes)
        const seek = (positionBytes: number) =>
          Effect.suspend(() =>
            positionBytes === filePositionBytes
              ? Effect.void
              : Effect.map(file.seek(positionBytes, "start"), () => {
                  filePositionBytes = positionBytes
                })
          )
        const writeAll = (bytes: Uint8Array, positionBytes: number) =>
          Effect.zipRight(
            seek(positionBytes),
            Effect.suspend(() => {
              // Unknown if the write fails.
              filePositionBytes = Number.NaN
              return Effect.map(file.writeAll(bytes), () => {
                filePositionBytes = positionBytes + bytes.length
              })
            })
          )
        const flush = Effect.suspend(() =>
          broken === undefined
            ? Effect.tapError(
                translate(
                  Effect.forEach(buffer.take(), ({ bytes, startBytes }) => writeAll(bytes, startBytes), {
                    discard: true
                  })
                ),
                (error) =>
                  Effect.sync(() => {
                    broken = error
                  })
              )
            : Effect.fail(broken)
        )
        return {
          write: (chunk, positionBytes) =>
            keep(chunk, positionBytes)
              ? Exit.void
              : whileOpen(
                  Effect.zipRight(
                    flush,
                    Effect.suspend(() =>
                      keep(chunk, positionBytes) ? Effect.void : translate(writeAll(chunk, positionBytes))
                    )
                  )
                ),
          read: (chunk, positionBytes) =>
            whileOpen(
              Effect.zipRight(
                flush,
                translate(
                  Effect.zipRight(
                    seek(positionBytes),
                    Effect.map(file.read(chunk), (count) => {
                      filePositionBytes += Number(count)
                      return Number(count)
                    })
                  )
                )
              )
            ),
          truncate: whileOpen(
            Effect.zipRight(
              translate(file.truncate(0)),
              Effect.sync(() => {
                filePositionBytes = Number.NaN
                buffer.clear()
                broken = undefined
              })
            )
          ),
          discard: Effect.suspend(() => {
            buffer.clear()
            isOpen = false
            const isLeft = !isFinished
            isFinished = true
            return Effect.zipRight(
              Scope.close(descriptors, Exit.void),
              isLeft ? Effect.ignore(fs.remove(name)) : Effect.void
            )
          }),
          publish: ({ durability, onExists }) =>
            Effect.gen(function* () {
              yield* whileOpen(flush)
              isOpen = false
              const replaced = onExists === "overwrite" ? yield* translate(accessOf(destination)) : undefined
              if (replaced === "special") {
                return yield* isSpecial(destination)
              }
              const access = replaced ?? atOpening
              yield* access === undefined ? Effect.void : translate(setAccess(name, access))
              if (durability === "full") {
                yield* translate(file.sync)
              }
              // Some file systems report a full device only at this point.
              yield* Effect.catchAllCause(
                Scope.close(descriptors, Exit.void),
                () => new Disk({ path: Printable.line(destination), reason: "other", detail: "it could not be closed" })
              )
              const standsAt = yield* moveTo(name, destination, onExists)
              if (standsAt === undefined) {
                return undefined
              }
              isFinished = true
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
  })

/**
 * Makes a store of the `FileSystem` and `Path` in the context.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<typeof Store.Service, never, FileSystem.FileSystem | Path.Path> = Effect.suspend(() =>
  makeIn(makeRoom())
)

// The error codes for a path without a file.
const absent: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR"])

const isDirectory = "it is a directory"

const ownerOf = ({ gid, uid }: FileSystem.File.Info): Omit<Access, "mode"> => ({
  uid: Option.getOrElse(uid, () => 0),
  gid: Option.getOrElse(gid, () => 0)
})

/**
 * The store on the `FileSystem` and `Path` in the context.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Store, never, FileSystem.FileSystem | Path.Path> = Layer.effect(Store, make)
