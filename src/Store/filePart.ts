/**
 * A part that is a file beside its destination.
 *
 * A small body is kept in memory until it is published, and then created, written, closed and renamed in one go. The file of a
 * larger body is created when the body no longer fits. It is opened exclusively, so that neither a link nor another process's file
 * is written through.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { codeOf, fromCause } from "../DownloadError/diskErrors.js"
import { Disk } from "../DownloadError.js"
import { andThen, called, errorOf, isExit, mapError, matchExit } from "../internal/andThen.js"
import { beside } from "../internal/text/fileNames.js"
import * as Printable from "../internal/text/printable.js"
import type { Durability, Opened, OpenOptions, Part, PublishOptions } from "../Store.js"
import type { FileOperations } from "./files/fileOperations.js"
import * as PartName from "./files/partName.js"
import * as Publishing from "./files/publishing.js"
import { ReplacedAccess } from "./files/replacedAccess.js"
import { Reservation } from "./files/reservation.js"
import { writeAll, writeEach } from "./files/writeAll.js"
import { WriteBuffer } from "./files/writeBuffer.js"
import type { Taken } from "./kept/leftPart.js"
import { RecordFile } from "./kept/recordFile.js"
import { type Dependencies, LazyFile } from "./lazyFile.js"

/** Opens a part, with what an earlier run has kept of it. */
export const open = <Handle extends number | object>(
  store: Dependencies<Handle>,
  destination: string,
  { resume: key }: OpenOptions
): Effect.Effect<Opened> => {
  if (key === undefined) {
    return Exit.succeed({ part: new FilePart(store, destination, undefined, undefined), record: undefined })
  }
  const index = PartName.nameIndex(destination, store.separator)
  const prefix = destination.slice(0, index)
  const destinationName = destination.slice(index)
  const place = { directory: store.directoryOf(destination), prefix, destinationName, key }
  return andThen(store.shared.kept.take(store, place), (taken) =>
    Exit.succeed({
      part: new FilePart(store, destination, key, taken),
      record: taken?.located.checkpoint.record
    })
  )
}

class FilePart<Handle extends number | object> extends LazyFile<Handle> implements Part {
  private readonly buffer: WriteBuffer
  private readonly access = new ReplacedAccess()
  private isPublished = false
  /** The path that the file gets. */
  private target: string
  /** The end of the last byte of all writes that have ended. */
  private endBytes: number
  private id: string | undefined
  private record: RecordFile | undefined
  private reservation: Reservation | undefined
  /** The bytes for which the file system had taken room when the part was opened. */
  private readonly allocatedBytes: number

  constructor(
    store: Dependencies<Handle>,
    destination: string,
    private key: string | undefined,
    taken: Taken | undefined
  ) {
    super(store, destination)
    this.buffer = new WriteBuffer(store.memory)
    this.target = destination
    this.endBytes = taken?.located.checkpoint.sizeBytes ?? 0
    this.allocatedBytes = taken?.allocatedBytes ?? 0
    if (taken !== undefined) {
      const { operations } = store
      const { sizeBytes } = taken.located.checkpoint
      this.id = taken.id
      this.path = taken.path
      this.record = taken.record
      this.reopen = () =>
        andThen(operations.openOwn(taken.path), (handle) =>
          matchExit(operations.truncate(handle, sizeBytes), (exit) =>
            Exit.isSuccess(exit)
              ? Exit.succeed(handle)
              : matchExit(operations.close(handle), () => Exit.failCause(exit.cause))
          )
        )
    }
  }

  reserve(sizeBytes: number): Effect.Effect<void, Disk> {
    const { destination, smallBytes, store } = this
    if (sizeBytes <= smallBytes || this.reservation !== undefined) {
      return Exit.void
    }
    const reservation = new Reservation(store.reservations)
    const freeBytes = store.freeBytes(store.directoryOf(destination))
    const neededBytes = Math.max(0, sizeBytes - this.allocatedBytes)
    return andThen(reservation.take(destination, neededBytes, freeBytes), () => {
      this.reservation = reservation
      return Exit.void
    })
  }

  write(chunk: Uint8Array, positionBytes: number): Effect.Effect<void, Disk> {
    if (this.isPublished) {
      return Exit.die(new Error("the part was published already"))
    }
    this.reservation?.use(chunk.length)
    if (this.keep(chunk, positionBytes)) {
      this.wrote(chunk, positionBytes)
      return Exit.void
    }
    const writing = this.perform(
      (operations) => this.flushed(operations),
      (operations, handle) =>
        this.keep(chunk, positionBytes)
          ? Exit.void
          : writeAll(operations, handle, { bytes: chunk, startBytes: positionBytes })
    )
    return this.key === undefined
      ? writing
      : andThen(writing, () => {
          this.wrote(chunk, positionBytes)
          return Exit.void
        })
  }

  private wrote(chunk: Uint8Array, positionBytes: number): void {
    this.endBytes = Math.max(this.endBytes, positionBytes + chunk.length)
  }

  read(chunk: Uint8Array, positionBytes: number): Effect.Effect<number, Disk> {
    return this.performLater(
      (operations) => this.flushed(operations),
      (operations, handle) => operations.read(handle, chunk, positionBytes)
    )
  }

  checkpoint(record: string, durability: Durability): Effect.Effect<void, Disk> {
    const { endBytes: sizeBytes, key, store } = this
    if (key === undefined) {
      return Exit.void
    }
    const destination = this.destination.slice(PartName.nameIndex(this.destination, store.separator))
    const use = (operations: FileOperations<Handle>, handle: Handle) =>
      andThen(
        durability === "full" ? operations.sync(handle) : Exit.void,
        () =>
          this.record?.write(
            operations,
            // A boot that is not known is never the same as another one.
            {
              destination,
              key,
              record,
              sizeBytes,
              boot: durability === "full" ? undefined : (store.shared.processes.boot ?? "")
            },
            durability,
            store.directoryOf(this.destination)
          ) ?? Exit.void
      )
    const flush = (operations: FileOperations<Handle>) => this.flushed(operations)
    // A write that is under way may still write bytes of earlier writes from memory.
    return durability === "full" || this.users > 0 ? this.performLater(flush, use) : this.perform(flush, use)
  }

  publish(options: PublishOptions): Effect.Effect<string | undefined, Disk> {
    const { modifiedMillis, name, onExists } = options
    if (this.path === undefined) {
      // The file is created, written and renamed at once, so no later run looks for it by its key. The digest of a key takes 10 µs.
      this.key = undefined
    }
    this.target = name === undefined ? this.destination : beside(this.destination, name)
    const prepare = (operations: FileOperations<Handle>) => this.prepared(operations, onExists, modifiedMillis)
    if (options.durability === "rename" || !this.store.needsSync(this.store.directoryOf(this.destination))) {
      return this.perform(prepare, (operations, handle) => this.finish(operations, handle, onExists))
    }
    return this.store.fileSyncs.areFast
      ? this.publishDurably(prepare, onExists)
      : Effect.uninterruptible(Effect.suspend(() => this.publishDurably(prepare, onExists)))
  }

  private publishDurably(
    prepare: (operations: FileOperations<Handle>) => Effect.Effect<Handle, unknown>,
    onExists: PublishOptions["onExists"]
  ): Effect.Effect<string | undefined, Disk> {
    const isSmall = this.path === undefined
    const moved = (synced: Effect.Effect<void, unknown>): Effect.Effect<string | undefined, Disk> =>
      andThen(this.noLongerInUse(synced), () =>
        this.perform(
          (operations) => this.opened(operations),
          (operations, handle) => this.finish(operations, handle, onExists)
        )
      )
    const prepared = this.perform(prepare, (_, handle) => Exit.succeed(handle))
    return andThen(prepared, (handle) => {
      this.users++
      // The callers of files that share a sync are continued once, when their directory is synced: to continue a fiber twice takes
      // as much CPU time as the move.
      let isInCall = true
      const published = called<string | undefined, Disk>((resume) =>
        this.store.fileSyncs.sync(handle, isSmall, (synced) => {
          const moving = moved(synced)
          if (isExit(moving)) {
            this.syncDirectory(moving, resume, isInCall)
          } else {
            resume(matchExit(moving, (exit) => called((ended) => this.syncDirectory(exit, ended, false))))
          }
        })
      )
      isInCall = false
      return published
    })
  }

  /**
   * Makes the final name of the file durable, if it has got one. `isInCall`: the call of `publish` has not returned. Then nothing may
   * wait for what it returns, which is perhaps not run.
   */
  private syncDirectory(
    moved: Exit.Exit<string | undefined, Disk>,
    resume: (effect: Effect.Effect<string | undefined, Disk>) => void,
    isInCall: boolean
  ): void {
    const { directoryOf, directorySyncs } = this.store
    if (Exit.isFailure(moved) || moved.value === undefined) {
      resume(moved)
      return
    }
    const directory = directoryOf(this.destination)
    const synced = (sync: Effect.Effect<void, unknown>) =>
      mapError(
        andThen(sync, () => moved),
        (cause) => new Disk({ ...fromCause(this.destination, cause), reason: "not-durable" })
      )
    const now = directorySyncs.syncNow(directory)
    if (now !== undefined) {
      resume(synced(now))
      return
    }
    const join = (end: typeof resume) => directorySyncs.sync(directory, (sync) => end(synced(sync)))
    if (isInCall) {
      resume(Effect.suspend(() => called(join)))
    } else {
      join(resume)
    }
  }

  close(end: "keep" | "discard"): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { handle, path } = this
      const { operations } = this.store
      this.buffer.clear()
      this.reservation?.release()
      this.forgetFile()
      return handle === undefined && path === undefined
        ? Exit.void
        : Effect.uninterruptible(
            Effect.zipRight(
              handle === undefined ? Exit.void : Effect.ignore(operations.close(handle)),
              path === undefined
                ? Exit.void
                : Effect.suspend(() =>
                    end === "keep" && this.record?.hasCheckpoint === true
                      ? this.kept(path)
                      : this.removed(operations, path)
                  )
            )
          )
    })
  }

  /** Leaves the part without an owner, so that any process can take it. */
  private kept(path: string): Effect.Effect<void> {
    const { destination, id = "", store } = this
    const index = PartName.nameIndex(destination, store.separator)
    const name = PartName.partName(id, PartName.noOwner, destination.slice(index))
    return Effect.match(store.operations.rename(path, destination.slice(0, index) + name), {
      // The next run takes it all the same, because this process has ended by then.
      onFailure: () => {},
      onSuccess: () => store.shared.kept.add(store.directoryOf(destination), { id, owner: PartName.noOwner, name })
    })
  }

  private removed(operations: FileOperations<Handle>, path: string): Effect.Effect<void> {
    // The record belongs to the process that has the part.
    return matchExit(operations.remove(path), (exit) =>
      Exit.isSuccess(exit) ? (this.record?.remove(operations) ?? Exit.void) : Exit.void
    )
  }

  private get smallBytes(): number {
    const { smallBytes, smallResumableBytes } = this.store.limits
    return this.key === undefined ? smallBytes : smallResumableBytes
  }

  /** Keeps a chunk in memory if there is room, and if the body may be small or the chunk is too small for a write. */
  private keep(chunk: Uint8Array, positionBytes: number): boolean {
    const { blockBytes } = this.store.limits
    return (
      this.broken === undefined &&
      (this.path === undefined
        ? this.buffer.add(chunk, positionBytes, this.smallBytes)
        : chunk.length < blockBytes / 4 && this.buffer.add(chunk, positionBytes, blockBytes))
    )
  }

  protected created(operations: FileOperations<Handle>, attempts = 8, isLong = false): Effect.Effect<Handle, unknown> {
    return andThen(this.access.look(operations, this.destination), () => {
      const { destination, key } = this
      const { draw, processes } = this.store.shared
      const index = PartName.nameIndex(destination, this.store.separator)
      const prefix = destination.slice(0, index)
      const name = destination.slice(index)
      const id = PartName.tagOf(name, key) + draw()
      const path = prefix + PartName.partName(id, processes.own, isLong ? "" : name)
      return matchExit(operations.create(path, this.access.found === undefined ? "default" : "private"), (exit) => {
        if (Exit.isSuccess(exit)) {
          this.path = path
          this.id = id
          this.record = key === undefined ? undefined : new RecordFile(prefix + PartName.recordName(id))
          return exit
        }
        const code = codeOf(errorOf(exit))
        // A `Random` of the program can repeat the names of another process. The longest path leaves no room for a longer name.
        return attempts > 1 && (code === "EEXIST" || (code === "ENAMETOOLONG" && !isLong))
          ? this.created(operations, attempts - 1, code === "ENAMETOOLONG" || isLong)
          : exit
      })
    })
  }

  /** Writes all accepted bytes, and sets the access of the file and its modification time. */
  private prepared(
    operations: FileOperations<Handle>,
    onExists: PublishOptions["onExists"],
    modifiedMillis: number | undefined
  ): Effect.Effect<Handle, unknown> {
    const { access, path, target } = this
    return andThen(access.lookAgain(operations, target, onExists, path !== undefined), () =>
      andThen(this.flushed(operations), (handle) =>
        andThen(access.found === undefined ? Exit.void : operations.setAccess(handle, access.found), () =>
          andThen(modifiedMillis === undefined ? Exit.void : operations.setModified(handle, modifiedMillis), () =>
            Exit.succeed(handle)
          )
        )
      )
    )
  }

  private flushed(operations: FileOperations<Handle>): Effect.Effect<Handle, unknown> {
    if (this.broken !== undefined) {
      return Exit.fail(this.broken)
    }
    return andThen(this.opened(operations), (handle) => {
      const taken = this.buffer.take()
      return matchExit(writeEach(operations, handle, taken), (exit) => {
        if (Exit.isSuccess(exit)) {
          this.buffer.reuse(taken)
          return Exit.succeed(handle)
        }
        this.broken = this.failureOf(errorOf(exit))
        return Exit.failCause(exit.cause)
      })
    })
  }

  /** Closes the file and gives it its final name. */
  private finish(
    operations: FileOperations<Handle>,
    handle: Handle,
    onExists: PublishOptions["onExists"]
  ): Effect.Effect<string | undefined, unknown> {
    const { path = "", target } = this
    this.forgetFile()
    this.isFinished = true
    const moved = matchExit(operations.close(handle), (closed) =>
      Exit.isSuccess(closed)
        ? Publishing.move(operations, path, target, onExists)
        : // Some file systems report a full device only when a file is closed. The descriptor is free all the same.
          Exit.fail(new Disk({ path: Printable.line(target), reason: "other", detail: "it could not be closed" }))
    )
    this.reservation?.release()
    return matchExit(moved, (exit) => {
      this.isPublished = Exit.isSuccess(exit) && exit.value !== undefined
      if (this.isPublished) {
        return this.record === undefined ? exit : matchExit(this.record.remove(operations), () => exit)
      }
      // `close` keeps the part or discards it. Until then it can be read.
      this.path = path
      this.isFinished = false
      this.reopen = () => this.store.operations.openOwn(path)
      return exit
    })
  }
}
