/**
 * A part that is written by calls that come back at once.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import {
  codeOf,
  emptyWritesAtMost,
  fromCause,
  isSpecial,
  isUnsupported,
  takesNothing
} from "../DownloadError/diskErrors.js"
import { Disk } from "../DownloadError.js"
import { completeWhenDescriptorFree, isTooManyOpenCode, retryUntilDescriptorFree } from "../internal/descriptors.js"
import { candidates } from "../internal/text/fileNames.js"
import * as Printable from "../internal/text/printable.js"
import type { Part, PublishOptions } from "../Store.js"
import type { Access } from "./fileAccess.js"
import type { Quickness } from "./syncWriteProbe.js"
import type { SystemCalls } from "./systemCalls.js"
import { type Room, type Run, WriteBuffer } from "./writeBuffer.js"

/** What a part keeps in memory. */
export interface Bounds {
  /** A body up to this size is kept in memory until it is complete. */
  readonly smallBytes: number
  /** Small chunks of a larger body are collected into blocks of this size. */
  readonly blockBytes: number
}

/** What the parts of a store have in common. */
export interface Site {
  readonly calls: SystemCalls
  readonly quickness: Quickness
  readonly directoryOf: (destination: string) => string
  readonly partName: (destination: string) => string
  /** The memory that is left for all parts. */
  readonly room: Room
  readonly bounds: Bounds
  /** The parts that hold a descriptor, in the order in which they opened it. */
  readonly open: Set<DirectPart>
}

/** Closes the file of one part, which opens it again for the next write. False if no part can be closed. */
export const parkOne = (site: Site): boolean => {
  for (const part of site.open) {
    if (part.park()) {
      return true
    }
  }
  return false
}

export class DirectPart implements Part {
  private readonly buffer: WriteBuffer
  private name: string | undefined
  private descriptor: number | undefined
  /** Opens the file again after it was closed to free a descriptor. */
  private reopen: (() => number) | undefined
  /** The number of effects that use the descriptor at this moment. */
  private pins = 0
  /** The access of the file to be replaced. */
  private access: Access | undefined
  private isAccessKnown = false
  /** Set when accepted bytes could not be written: the part cannot be published any more. */
  private broken: Disk | undefined
  private isPublished = false
  /** True when the file was published or removed. */
  private isFinished = false

  constructor(
    private readonly site: Site,
    private readonly destination: string
  ) {
    this.buffer = new WriteBuffer(site.room)
  }

  write(chunk: Uint8Array, positionBytes: number): Effect.Effect<void, Disk> {
    if (this.isPublished) {
      return Exit.die(new Error("the part was published already"))
    }
    if (this.keep(chunk, positionBytes)) {
      return Exit.void
    }
    if (!this.site.quickness.isQuick()) {
      return this.putAndWait(chunk, positionBytes)
    }
    const put = () => this.putNow(chunk, positionBytes)
    return this.orWait(this.attemptNow(put), put)
  }

  read(chunk: Uint8Array, positionBytes: number): Effect.Effect<number, Disk> {
    return this.whilePinned(
      () => this.flushed(),
      (descriptor) => this.site.calls.readAndWait(descriptor, chunk, positionBytes)
    )
  }

  get truncate(): Effect.Effect<void, Disk> {
    return Effect.suspend(() => {
      this.buffer.clear()
      this.broken = undefined
      this.isFinished = false
      return this.whenOpen(() => {
        if (this.name !== undefined) {
          this.site.calls.empty(this.opened())
        }
      })
    })
  }

  publish({ durability, onExists }: PublishOptions): Effect.Effect<string | undefined, Disk> {
    if (durability === "rename") {
      const publish = () => {
        this.lookFor(onExists)
        return this.finish(this.prepared(), onExists)
      }
      return this.orWait(this.attemptNow(publish), publish)
    }
    const { calls, directoryOf } = this.site
    const synced = this.whilePinned(
      () => {
        this.lookFor(onExists)
        return this.prepared()
      },
      (descriptor) => calls.sync(descriptor)
    )
    return Effect.uninterruptible(
      synced.pipe(
        // The file may have been closed since then to free a descriptor. Synced bytes stay synced.
        Effect.zipRight(this.whenOpen(() => this.finish(this.opened(), onExists))),
        Effect.tap((standsAt) =>
          standsAt === undefined
            ? Effect.void
            : Effect.mapError(
                completeWhenDescriptorFree((cause) => {
                  const isForWant = isTooManyOpenCode(codeOf(cause))
                  if (isForWant) {
                    this.makeRoom()
                  }
                  return isForWant
                })(calls.syncDirectory(directoryOf(this.destination))),
                (cause) => new Disk({ ...fromCause(this.destination, cause), reason: "not-durable" })
              )
        )
      )
    )
  }

  get discard(): Effect.Effect<void> {
    return Effect.sync(() => {
      const { descriptor, name } = this
      this.buffer.clear()
      this.forgetFile()
      if (descriptor !== undefined) {
        quietly(() => this.site.calls.close(descriptor))
      }
      if (name !== undefined) {
        quietly(() => this.site.calls.remove(name))
      }
    })
  }

  /** Closes the file until it is needed again. False if it is in use or not open. */
  park(): boolean {
    const { descriptor, name } = this
    if (descriptor === undefined || name === undefined || this.pins > 0) {
      return false
    }
    this.site.open.delete(this)
    this.descriptor = undefined
    try {
      this.reopen = this.site.calls.park(descriptor, name)
    } catch (cause) {
      // Some file systems report a full device only at this point.
      this.breaks(cause)
      this.name = undefined
      quietly(() => this.site.calls.remove(name))
    }
    return true
  }

  /** Keeps a chunk in memory if there is room, and if the body may be small or the chunk is too small for a write. */
  private keep(chunk: Uint8Array, positionBytes: number): boolean {
    const { blockBytes, smallBytes } = this.site.bounds
    return (
      this.broken === undefined &&
      (this.name === undefined
        ? this.buffer.add(chunk, positionBytes, smallBytes)
        : chunk.length < blockBytes / 4 && this.buffer.add(chunk, positionBytes, blockBytes))
    )
  }

  private putNow(chunk: Uint8Array, positionBytes: number): void {
    const descriptor = this.flushed()
    if (!this.keep(chunk, positionBytes)) {
      this.writeAll(descriptor, chunk, positionBytes)
    }
  }

  private putAndWait(chunk: Uint8Array, positionBytes: number): Effect.Effect<void, Disk> {
    return this.whilePinned(
      () => this.opened(),
      (descriptor) =>
        Effect.zipRight(
          this.flushAndWait(descriptor),
          Effect.suspend(() =>
            this.keep(chunk, positionBytes)
              ? Effect.void
              : this.writeAllAndWait(descriptor, { startBytes: positionBytes, bytes: chunk })
          )
        )
    )
  }

  private flushAndWait(descriptor: number): Effect.Effect<void, unknown> {
    return Effect.suspend(() =>
      this.broken === undefined
        ? Effect.tapError(
            Effect.forEach(this.buffer.take(), (run) => this.writeAllAndWait(descriptor, run), { discard: true }),
            (cause) => Effect.sync(() => this.breaks(cause))
          )
        : Effect.fail(this.broken)
    )
  }

  private attempt<A>(act: () => A): Effect.Effect<A, Disk> {
    return Effect.suspend(() => this.attemptNow(act))
  }

  private attemptNow<A>(act: () => A): Exit.Exit<A, Disk> {
    try {
      return Exit.succeed(this.site.quickness.measure(act))
    } catch (cause) {
      return cause instanceof Disk || codeOf(cause) !== "" ? Exit.fail(this.failureOf(cause)) : Exit.die(cause)
    }
  }

  /** The exit of a call, or, if no descriptor was free, an effect that waits for one and calls again. */
  private orWait<A>(exit: Exit.Exit<A, Disk>, act: () => A): Effect.Effect<A, Disk> {
    const error = Exit.isFailure(exit) ? Cause.failureOption(exit.cause) : Option.none()
    return Option.isSome(error) && this.isForWant(error.value) ? Effect.uninterruptible(this.whenOpen(act)) : exit
  }

  /** The same for what may have to open the file first, for which there may be too many open at the moment. */
  private whenOpen<A>(act: () => A): Effect.Effect<A, Disk> {
    return retryUntilDescriptorFree((error: Disk) => this.isForWant(error))(this.attempt(act))
  }

  /**
   * Keeps the descriptor open while it is used. Only the wait for a descriptor is interruptible: a call that a thread executes
   * cannot be cancelled, and its descriptor must stay open until it ends.
   */
  private whilePinned<A>(
    open: () => number,
    use: (descriptor: number) => Effect.Effect<A, unknown>
  ): Effect.Effect<A, Disk> {
    const pinned = () => {
      const descriptor = open()
      this.pins++
      return descriptor
    }
    return Effect.uninterruptible(
      Effect.flatMap(this.whenOpen(pinned), (descriptor) =>
        Effect.ensuring(
          Effect.mapError(use(descriptor), (cause) => this.failureOf(cause)),
          Effect.sync(() => {
            this.pins--
          })
        )
      )
    )
  }

  private isForWant(cause: unknown): boolean {
    return (
      this.descriptor === undefined &&
      !this.isFinished &&
      (cause instanceof Disk ? cause.reason === "too-many-open" : isTooManyOpenCode(codeOf(cause)))
    )
  }

  private failureOf(cause: unknown): Disk {
    return cause instanceof Disk ? cause : fromCause(this.destination, cause)
  }

  private unlessBroken(): void {
    if (this.broken !== undefined) {
      throw this.broken
    }
  }

  private breaks(cause: unknown): Disk {
    this.broken = this.failureOf(cause)
    return this.broken
  }

  private opened(): number {
    while (this.descriptor === undefined) {
      try {
        this.descriptor = this.reopen === undefined ? this.created() : this.reopen()
        this.site.open.add(this)
      } catch (cause) {
        if (!isTooManyOpenCode(codeOf(cause))) {
          throw cause
        }
        // The descriptor of another part is free at once, and other descriptors a moment later.
        if (!this.makeRoom()) {
          throw cause
        }
      }
    }
    return this.descriptor
  }

  /** Returns true if a descriptor is free again. */
  private makeRoom(): boolean {
    const isParked = parkOne(this.site)
    if (!isParked) {
      this.site.calls.reclaim()
    }
    return isParked
  }

  private created(): number {
    const { calls } = this.site
    if (!this.isAccessKnown) {
      this.look()
    }
    for (let attempt = 1; ; attempt++) {
      const name = this.site.partName(this.destination)
      try {
        const descriptor = calls.create(name, this.access === undefined ? "default" : "private")
        this.name = name
        return descriptor
      } catch (cause) {
        // A `Random` of the program can repeat the names of another process.
        if (codeOf(cause) !== "EEXIST" || attempt === 8) {
          throw cause
        }
      }
    }
  }

  private look(): void {
    const found = this.site.calls.accessOf(this.destination)
    this.access = found === "special" ? undefined : found
    this.isAccessKnown = true
  }

  /** Reads the access of the file to be replaced, which may be another file than when the part was opened. */
  private lookFor(onExists: PublishOptions["onExists"]): void {
    const isReplaced = onExists === "overwrite"
    if (isReplaced) {
      const found = this.site.calls.accessOf(this.destination)
      if (found === "special") {
        throw isSpecial(this.destination)
      }
      this.access = found ?? this.access
      this.isAccessKnown = true
    } else if (this.name === undefined && onExists !== "unique") {
      this.isAccessKnown = true
    }
  }

  /** Writes all accepted bytes and sets the access of the file. */
  private prepared(): number {
    const descriptor = this.flushed()
    if (this.access !== undefined) {
      this.site.calls.setAccess(descriptor, this.access)
    }
    return descriptor
  }

  private flushed(): number {
    this.unlessBroken()
    const descriptor = this.opened()
    // Closing the file in between may have failed to write accepted bytes.
    this.unlessBroken()
    try {
      for (const { bytes, startBytes } of this.buffer.take()) {
        this.writeAll(descriptor, bytes, startBytes)
      }
    } catch (cause) {
      throw this.breaks(cause)
    }
    return descriptor
  }

  private writeAll(descriptor: number, chunk: Uint8Array, positionBytes: number): void {
    let emptyWrites = 0
    for (let written = 0; written < chunk.length; ) {
      const count = this.site.calls.write(
        descriptor,
        written === 0 ? chunk : chunk.subarray(written),
        positionBytes + written
      )
      written += count
      emptyWrites = count === 0 ? emptyWrites + 1 : 0
      if (emptyWrites === emptyWritesAtMost) {
        throw takesNothing(this.destination)
      }
    }
  }

  private writeAllAndWait(descriptor: number, run: Run, emptyWrites = 0): Effect.Effect<void, unknown> {
    const { bytes, startBytes } = run
    return Effect.flatMap(this.site.calls.writeAndWait(descriptor, bytes, startBytes), (written) => {
      if (written === bytes.length) {
        return Effect.void
      }
      const empty = written === 0 ? emptyWrites + 1 : 0
      return empty === emptyWritesAtMost
        ? Effect.fail(takesNothing(this.destination))
        : this.writeAllAndWait(descriptor, { startBytes: startBytes + written, bytes: bytes.subarray(written) }, empty)
    })
  }

  private forgetFile(): void {
    this.site.open.delete(this)
    this.descriptor = undefined
    this.reopen = undefined
    this.name = undefined
  }

  /** Closes the file and gives it its name. */
  private finish(descriptor: number, onExists: PublishOptions["onExists"]): string | undefined {
    const { calls } = this.site
    const name = this.name ?? ""
    this.forgetFile()
    this.isFinished = true
    try {
      calls.close(descriptor)
    } catch {
      // Some file systems find out only now that there is no room. The descriptor is gone all the same.
      quietly(() => calls.remove(name))
      throw new Disk({ path: Printable.line(this.destination), reason: "other", detail: "it could not be closed" })
    }
    try {
      const standsAt = this.move(name, onExists)
      this.isPublished = standsAt !== undefined
      if (standsAt === undefined) {
        quietly(() => calls.remove(name))
      }
      return standsAt
    } catch (cause) {
      quietly(() => calls.remove(name))
      throw cause
    }
  }

  private move(name: string, onExists: PublishOptions["onExists"]): string | undefined {
    const { destination } = this
    const { calls } = this.site
    if (onExists === "overwrite") {
      calls.rename(name, destination)
      return destination
    }
    for (const candidate of onExists === "unique" ? candidates(destination) : [destination]) {
      if (this.moveExclusively(name, candidate)) {
        return candidate
      }
    }
    // `exists` fails if a directory took the name in the meantime, because a directory cannot be skipped as a file.
    if (onExists === "skip" && calls.exists(destination)) {
      return undefined
    }
    throw new Disk({ path: Printable.line(destination), reason: "exists", detail: "" })
  }

  // Links where nothing may be replaced: unlike rename, link fails where the name is taken. File systems without links
  // leave a look beforehand as the second best.
  private moveExclusively(name: string, to: string): boolean {
    const { calls } = this.site
    try {
      calls.link(name, to)
    } catch (cause) {
      if (codeOf(cause) === "EEXIST") {
        return false
      }
      if (!isUnsupported(codeOf(cause))) {
        throw cause
      }
      if (this.isTaken(to)) {
        return false
      }
      calls.rename(name, to)
      return true
    }
    // One that cannot be removed is left: the file stands complete under its own name.
    quietly(() => calls.remove(name))
    return true
  }

  private isTaken(path: string): boolean {
    try {
      return this.site.calls.exists(path)
    } catch (cause) {
      if (codeOf(cause) === "EISDIR") {
        return true
      }
      throw cause
    }
  }
}

const quietly = (act: () => void): void => {
  try {
    act()
  } catch {
    // A failure here has no consequence.
  }
}
