/**
 * A file on its way into a tar. A small one is held in memory. A larger one is a part of the underlying store, which is never
 * published there.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Disk } from "../../DownloadError.js"
import { andThen } from "../../internal/andThen.js"
import type { Durability, Opened, OpenOptions, Part, PublishOptions, Store } from "../../Store.js"
import { GrowingBytes } from "../memory/growingBytes.js"
import type { Archives } from "./archives.js"

/** The memory for all files that are held. */
export interface Memory {
  leftBytes: number
  /** The maximum for one file. */
  readonly fileBytes: number
}

/** What the files that are held share. */
export interface Dependencies {
  readonly archives: Archives
  readonly store: typeof Store.Service
  readonly memory: Memory
  /** The destination of the parts of large files in the underlying store. */
  readonly heldPath: string
}

/** The record of a part that is kept. A store does not say how large a part is. */
const decodeKept = Schema.decodeOption(
  Schema.parseJson(Schema.Struct({ sizeBytes: Schema.Number, record: Schema.String }))
)

export const open = (
  dependencies: Dependencies,
  destination: string,
  { resume }: OpenOptions
): Effect.Effect<Opened, Disk> =>
  andThen(dependencies.archives.checkName(destination), (path) =>
    resume === undefined
      ? Exit.succeed({ part: new HeldFile(dependencies, destination, undefined, undefined), record: undefined })
      : openKept(dependencies, destination, `${resume} ${path}`)
  )

const openKept = (dependencies: Dependencies, destination: string, key: string): Effect.Effect<Opened, Disk> =>
  andThen(dependencies.store.open(dependencies.heldPath, { resume: key }), ({ part, record: text }) => {
    if (text === undefined) {
      return Exit.succeed<Opened>({ part: new HeldFile(dependencies, destination, part, undefined), record: undefined })
    }
    const kept = decodeKept(text)
    return Option.isNone(kept)
      ? // Of another version.
        Effect.zipRight(part.close("discard"), openKept(dependencies, destination, key))
      : Exit.succeed<Opened>({
          part: new HeldFile(dependencies, destination, part, kept.value.sizeBytes),
          record: kept.value.record
        })
  })

class HeldFile implements Part {
  /** The content from its first byte on. Undefined if it is in the part. */
  private memory: GrowingBytes | undefined
  private chargedBytes = 0
  /** True from the time at which the content begins to move to the part. */
  private isMoving = false
  private isPublished = false
  private readonly lock = Effect.unsafeMakeSemaphore(1)
  private partBytes: number

  constructor(
    private readonly shared: Dependencies,
    private readonly destination: string,
    private part: Part | undefined,
    keptBytes: number | undefined
  ) {
    this.memory = keptBytes === undefined ? new GrowingBytes() : undefined
    this.partBytes = keptBytes ?? 0
  }

  reserve(sizeBytes: number): Effect.Effect<void, Disk> {
    return sizeBytes <= this.shared.memory.fileBytes
      ? Exit.void
      : // The tar needs room for the same bytes.
        Effect.flatMap(this.moved, (part) => part.reserve(2 * sizeBytes))
  }

  write(chunk: Uint8Array, positionBytes: number): Effect.Effect<void, Disk> {
    const { memory } = this
    const endBytes = positionBytes + chunk.length
    if (memory !== undefined && this.fits(memory, positionBytes, endBytes)) {
      memory.write(chunk, positionBytes)
      return Exit.void
    }
    return andThen(this.moved, (part) =>
      andThen(part.write(chunk, positionBytes), () => {
        this.partBytes = Math.max(this.partBytes, endBytes)
        return Exit.void
      })
    )
  }

  read(chunk: Uint8Array, positionBytes: number): Effect.Effect<number, Disk> {
    const { memory, part } = this
    return memory !== undefined || part === undefined
      ? Exit.succeed(memory?.read(chunk, positionBytes) ?? 0)
      : part.read(chunk, positionBytes)
  }

  checkpoint(record: string, durability: Durability): Effect.Effect<void, Disk> {
    const { memory, part, partBytes: sizeBytes } = this
    return memory !== undefined || part === undefined
      ? Exit.void
      : part.checkpoint(JSON.stringify({ sizeBytes, record }), durability)
  }

  publish(options: PublishOptions): Effect.Effect<string | undefined, Disk> {
    const { memory, partBytes } = this
    const content = {
      sizeBytes: memory?.sizeBytes ?? partBytes,
      bytes: memory?.whole(),
      read: (chunk: Uint8Array, positionBytes: number) => this.read(chunk, positionBytes)
    }
    return Effect.uninterruptible(
      Effect.tap(this.shared.archives.publish(this.destination, content, options), (published) => {
        this.isPublished = published !== undefined
        return this.isPublished ? this.dropped("discard") : Exit.void
      })
    )
  }

  close(end: "keep" | "discard"): Effect.Effect<void> {
    return Effect.suspend(() => (this.isPublished ? Exit.void : this.dropped(end)))
  }

  private dropped(end: "keep" | "discard"): Effect.Effect<void> {
    this.release()
    return this.part?.close(end) ?? Exit.void
  }

  /** True if the bytes can be added to those in memory, without a hole between them. */
  private fits(content: GrowingBytes, positionBytes: number, endBytes: number): boolean {
    const { memory } = this.shared
    const moreBytes = Math.max(0, endBytes - content.sizeBytes)
    const isFitting =
      !this.isMoving &&
      positionBytes <= content.sizeBytes &&
      endBytes <= memory.fileBytes &&
      moreBytes <= memory.leftBytes
    if (isFitting) {
      memory.leftBytes -= moreBytes
      this.chargedBytes += moreBytes
    }
    return isFitting
  }

  private release(): void {
    this.shared.memory.leftBytes += this.chargedBytes
    this.chargedBytes = 0
  }

  /** The part that has the content, which moves there if it is in memory. */
  private get moved(): Effect.Effect<Part, Disk> {
    const { memory, part } = this
    return memory === undefined && part !== undefined
      ? Exit.succeed(part)
      : this.lock.withPermits(1)(Effect.uninterruptible(Effect.suspend(() => this.move())))
  }

  private move(): Effect.Effect<Part, Disk> {
    const { memory, part, shared } = this
    if (memory === undefined && part !== undefined) {
      return Exit.succeed(part)
    }
    this.isMoving = true
    const opened =
      part === undefined
        ? Effect.map(shared.store.open(shared.heldPath, { resume: undefined }), (opened) => opened.part)
        : Exit.succeed(part)
    return Effect.tap(opened, (target) => {
      this.part = target
      return Effect.map(memory === undefined ? Exit.void : target.write(memory.whole(), 0), () => {
        this.partBytes = memory?.sizeBytes ?? 0
        this.memory = undefined
        this.release()
      })
    }).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          this.isMoving = false
        })
      )
    )
  }
}
