/**
 * A part that is written by calls that come back at once.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Disk } from "../DownloadError.js"
import type { PublishOptions, RandomAccess, ReadyPart } from "../Store.js"
import { isTooManyOpen, whenThereIsOne } from "./descriptors.js"
import { codeOf, fromCause, isUnsupported } from "./diskErrors.js"
import { candidates } from "./fileName.js"
import * as Printable from "./printable.js"
import type { Quickness } from "./quickness.js"
import type { SystemCalls } from "./systemCalls.js"

/** What the parts of a store have in common. */
export interface Site {
  readonly calls: SystemCalls
  readonly quickness: Quickness
  readonly directoryOf: (destination: string) => string
  readonly partName: (destination: string) => string
  /** How many bytes more may be kept in memory. */
  roomBytes: number
}

// A body up to this is kept in memory until it is whole.
const smallBytes = 256 * 1024

export class DirectPart implements ReadyPart {
  private bytes = 0
  /** What is not written yet; all of it, or nothing. */
  private kept: Array<Uint8Array> = []
  private keptBytes = 0
  private file: { readonly descriptor: number; readonly name: string } | undefined
  private isPublished = false

  constructor(
    private readonly site: Site,
    private readonly destination: string
  ) {}

  sizeBytes(): number {
    return this.bytes
  }

  write(chunk: Uint8Array): Effect.Effect<void, Disk> | undefined {
    if (this.isPublished) {
      return Effect.dieMessage("the part was published already")
    }
    if (this.file === undefined && this.keptBytes + chunk.length <= smallBytes && chunk.length <= this.site.roomBytes) {
      // A copy: whoever gave the chunk may use its memory again. The `slice` of a `Buffer` would be none.
      this.kept.push(new Uint8Array(chunk))
      this.keptBytes += chunk.length
      this.site.roomBytes -= chunk.length
      this.bytes += chunk.length
      return undefined
    }
    return this.writeTo(chunk, undefined)
  }

  readonly at: RandomAccess = {
    write: (chunk, positionBytes) => this.writeTo(chunk, positionBytes),
    read: (chunk, positionBytes) => {
      const { calls } = this.site
      return Effect.uninterruptible(
        Effect.flatMap(
          this.whenOpen(() => this.flushed()),
          ({ descriptor }) =>
            Effect.mapError(calls.readAndWait(descriptor, chunk, positionBytes), (cause) =>
              fromCause(this.destination, cause)
            )
        )
      )
    }
  }

  /** Into the file; at its end, where no position is given. */
  private writeTo(chunk: Uint8Array, positionBytes: number | undefined): Effect.Effect<void, Disk> | undefined {
    const { quickness } = this.site
    if (!quickness.isQuick()) {
      return this.writeAndWait(chunk, positionBytes)
    }
    try {
      quickness.measure(() => this.writeNow(chunk, positionBytes))
      return undefined
    } catch (cause) {
      return isTooManyOpen(codeOf(cause))
        ? this.whenOpen(() => this.writeNow(chunk, positionBytes))
        : Effect.fail(fromCause(this.destination, cause))
    }
  }

  get restart(): Effect.Effect<void, Disk> {
    return Effect.suspend(() => {
      this.forget()
      this.bytes = 0
      return this.attempt(() => {
        if (this.file !== undefined) {
          this.site.calls.empty(this.file.descriptor)
        }
      })
    })
  }

  publish({ durability, onExists }: PublishOptions): Effect.Effect<string | undefined, Disk> {
    return Effect.uninterruptible(
      Effect.suspend(() => {
        if (durability === "rename") {
          return this.whenOpen(() => {
            const { descriptor, name } = this.flushed()
            return this.finish(descriptor, name, onExists)
          })
        }
        const { calls, directoryOf } = this.site
        return Effect.flatMap(
          this.whenOpen(() => this.flushed()),
          ({ descriptor, name }) =>
            calls.sync(descriptor).pipe(
              Effect.mapError((cause) => fromCause(this.destination, cause)),
              Effect.zipRight(this.attempt(() => this.finish(descriptor, name, onExists))),
              Effect.tap((standsAt) =>
                standsAt === undefined
                  ? Effect.void
                  : Effect.mapError(
                      whenThereIsOne((cause) => isTooManyOpen(codeOf(cause)))(
                        calls.syncDirectory(directoryOf(this.destination))
                      ),
                      (cause) => new Disk({ ...fromCause(this.destination, cause), reason: "not-durable" })
                    )
              )
            )
        )
      })
    )
  }

  publishNow({ durability, onExists }: PublishOptions): Exit.Exit<string | undefined, Disk> | undefined {
    if (durability !== "rename") {
      return undefined
    }
    let isOpen = false
    const exit = this.attemptNow(() => {
      this.opened()
      isOpen = true
      const { descriptor, name } = this.flushed()
      return this.finish(descriptor, name, onExists)
    })
    // There may be too many open at the moment, which is waited for.
    return isOpen ? exit : undefined
  }

  get discard(): Effect.Effect<void> {
    return Effect.sync(() => {
      this.forget()
      const { file } = this
      this.file = undefined
      if (file !== undefined) {
        quietly(() => this.site.calls.close(file.descriptor))
        quietly(() => this.site.calls.remove(file.name))
      }
    })
  }

  private attempt<A>(act: () => A): Effect.Effect<A, Disk> {
    return Effect.suspend(() => this.attemptNow(act))
  }

  private attemptNow<A>(act: () => A): Exit.Exit<A, Disk> {
    try {
      return Exit.succeed(this.site.quickness.measure(act))
    } catch (cause) {
      if (cause instanceof Disk) {
        return Exit.fail(cause)
      }
      return codeOf(cause) === "" ? Exit.die(cause) : Exit.fail(fromCause(this.destination, cause))
    }
  }

  /** The same for what may have to open the file first, for which there may be too many open at the moment. */
  private whenOpen<A>(act: () => A): Effect.Effect<A, Disk> {
    const isForWant = (error: Disk) => this.file === undefined && error.reason === "too-many-open"
    const attempt = this.attempt(act)
    return Effect.catchAll(attempt, (error) =>
      isForWant(error) ? whenThereIsOne(isForWant)(attempt) : Effect.fail(error)
    )
  }

  private opened(): { readonly descriptor: number; readonly name: string } {
    if (this.file !== undefined) {
      return this.file
    }
    for (let attempt = 1; ; attempt++) {
      const name = this.site.partName(this.destination)
      try {
        this.file = { descriptor: this.site.calls.create(name), name }
        return this.file
      } catch (cause) {
        // A seeded Random can repeat another process's names.
        if (codeOf(cause) !== "EEXIST" || attempt === 8) {
          throw cause
        }
      }
    }
  }

  private flushed(): { readonly descriptor: number; readonly name: string } {
    const file = this.opened()
    let positionBytes = 0
    for (const chunk of this.kept) {
      this.writeAll(file.descriptor, chunk, positionBytes)
      positionBytes += chunk.length
    }
    this.forget()
    return file
  }

  private writeNow(chunk: Uint8Array, positionBytes = this.bytes): void {
    const { descriptor } = this.flushed()
    this.writeAll(descriptor, chunk, positionBytes)
    this.bytes = Math.max(this.bytes, positionBytes + chunk.length)
  }

  private writeAll(descriptor: number, chunk: Uint8Array, positionBytes: number): void {
    for (let written = 0; written < chunk.length; ) {
      written += this.site.calls.write(
        descriptor,
        written === 0 ? chunk : chunk.subarray(written),
        positionBytes + written
      )
    }
  }

  // Not interruptible: a write that was handed to a thread cannot be taken back, and its descriptor must not be closed
  // under it.
  private writeAndWait(chunk: Uint8Array, positionBytes: number | undefined): Effect.Effect<void, Disk> {
    const { calls } = this.site
    const rest = (descriptor: number, left: Uint8Array, atBytes: number): Effect.Effect<void, unknown> =>
      Effect.flatMap(calls.writeAndWait(descriptor, left, atBytes), (written) => {
        this.bytes = Math.max(this.bytes, atBytes + written)
        return written < left.length ? rest(descriptor, left.subarray(written), atBytes + written) : Effect.void
      })
    return Effect.uninterruptible(
      Effect.flatMap(
        this.whenOpen(() => this.flushed()),
        ({ descriptor }) =>
          Effect.mapError(rest(descriptor, chunk, positionBytes ?? this.bytes), (cause) =>
            fromCause(this.destination, cause)
          )
      )
    )
  }

  private forget(): void {
    this.site.roomBytes += this.keptBytes
    this.kept = []
    this.keptBytes = 0
  }

  /** Closes the file and gives it its name. */
  private finish(descriptor: number, name: string, onExists: PublishOptions["onExists"]): string | undefined {
    const { calls } = this.site
    try {
      calls.close(descriptor)
    } catch {
      // Some file systems find out only now that there is no room. The descriptor is gone all the same.
      this.file = undefined
      quietly(() => calls.remove(name))
      throw new Disk({ path: Printable.line(this.destination), reason: "other", detail: "it could not be closed" })
    }
    this.file = undefined
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
    if (onExists === "overwrite") {
      this.site.calls.rename(name, destination)
      return destination
    }
    for (const candidate of onExists === "unique" ? candidates(destination) : [destination]) {
      if (this.moveExclusively(name, candidate)) {
        return candidate
      }
    }
    if (onExists === "skip") {
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
      if (calls.exists(to)) {
        return false
      }
      calls.rename(name, to)
      return true
    }
    // One that cannot be removed is left: the file stands complete under its own name.
    quietly(() => calls.remove(name))
    return true
  }
}

const quietly = (act: () => void): void => {
  try {
    act()
  } catch {
    // There is nobody to whom it would make a difference.
  }
}
