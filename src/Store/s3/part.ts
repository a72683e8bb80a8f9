/**
 * A part in an object storage.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Disk } from "../../DownloadError.js"
import { mapError } from "../../internal/andThen.js"
import { beside, candidates } from "../../internal/text/fileNames.js"
import * as Printable from "../../internal/text/printable.js"
import type { Part, PublishOptions } from "../../Store.js"
import { assemble } from "./assembly.js"
import { type BlockOptions, Blocks } from "./blocks.js"
import { type S3Failure, toDisk } from "./failure.js"
import type { KeptParts, Taken } from "./keptParts.js"
import type { KeyQueue } from "./keyQueue.js"
import * as Keys from "./keys.js"
import type { Lease } from "./lease.js"
import * as Record from "./record.js"
import * as UploadNote from "./uploadNote.js"

export interface PartOptions extends BlockOptions, Keys.Place {
  /** The size of a block, unless the file is too large for it. */
  readonly blockBytes: number
  readonly lease: Lease
  readonly keptParts: KeptParts
  readonly keyQueue: KeyQueue
}

/** The number of parts that a multipart upload can have. */
const partsAtMost = 10_000

const mebibyte = 1024 * 1024

// The limit of Amazon S3 for one part.
const partBytesAtMost = 5 * 1024 * mebibyte

export class S3Part implements Part {
  private blocks: Blocks
  private id: string | undefined
  private generation = 0
  /** The last checkpoint that the storage has confirmed. */
  private kept: Record.KeptRecord | undefined
  private holdsLease = false
  private hasEnded = false
  /** True if more objects may be there than this process knows. */
  private readonly wasKilled: boolean

  constructor(
    private readonly options: PartOptions,
    private readonly destination: string,
    private readonly key: string,
    private readonly resume: string | undefined,
    taken: Taken | undefined
  ) {
    this.blocks = this.makeBlocks(taken?.kept.blockBytes ?? options.blockBytes)
    this.wasKilled = taken?.wasKilled === true
    if (taken !== undefined) {
      this.id = taken.id
      this.generation = taken.generation
      this.kept = taken.kept
      this.holdsLease = true
      this.blocks.restore(taken.kept.blocks)
    }
  }

  reserve(sizeBytes: number): Effect.Effect<void, Disk> {
    const isEmpty = this.blocks.sizeBytes === 0
    const neededBytes = Math.ceil(sizeBytes / partsAtMost / mebibyte) * mebibyte
    if (isEmpty && neededBytes > this.blocks.blockBytes && neededBytes <= partBytesAtMost) {
      this.blocks = this.makeBlocks(neededBytes)
    }
    return sizeBytes <= this.blocks.blockBytes * partsAtMost ? Exit.void : this.tooLarge
  }

  write(chunk: Uint8Array, positionBytes: number): Effect.Effect<void, Disk> {
    return positionBytes + chunk.length > this.blocks.blockBytes * partsAtMost
      ? this.tooLarge
      : this.translated(this.blocks.write(chunk, positionBytes))
  }

  read(chunk: Uint8Array, positionBytes: number): Effect.Effect<number, Disk> {
    return this.translated(this.blocks.read(chunk, positionBytes))
  }

  checkpoint(record: string): Effect.Effect<void, Disk> {
    const { blocks, resume } = this
    const isSmall = this.kept === undefined && blocks.sizeBytes <= blocks.blockBytes
    return resume === undefined || isSmall ? Exit.void : this.translated(this.keep(record, resume))
  }

  publish(options: PublishOptions): Effect.Effect<string | undefined, Disk> {
    return Effect.uninterruptible(
      Effect.gen(this, function* () {
        const { destination } = this
        const { name, onExists } = options
        yield* this.blocks.settled
        const target = name === undefined ? destination : beside(destination, name)
        for (const path of onExists === "unique" ? candidates(target) : [target]) {
          if (yield* this.publishAt(path, options)) {
            this.hasEnded = true
            yield* this.removed
            return path
          }
        }
        return onExists === "skip"
          ? undefined
          : yield* new Disk({ path: Printable.line(target), reason: "exists", detail: "" })
      })
    )
  }

  close(end: "keep" | "discard"): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.hasEnded) {
        return Exit.void
      }
      this.hasEnded = true
      const { kept } = this
      return Effect.uninterruptible(
        end === "keep" && kept !== undefined ? this.released(kept) : Effect.suspend(() => this.removed)
      )
    })
  }

  private makeBlocks(blockBytes: number): Blocks {
    return new Blocks(this.options, () => this.keyPrefix, blockBytes)
  }

  private get identity(): Effect.Effect<string> {
    return Effect.suspend(() =>
      this.id === undefined ? Effect.map(Keys.draw, (drawn) => (this.id ??= drawn)) : Effect.succeed(this.id)
    )
  }

  private get keyPrefix(): Effect.Effect<string> {
    return Effect.map(this.identity, (id) => Keys.blocks(this.options.prefix, id))
  }

  private get tooLarge(): Exit.Exit<never, Disk> {
    const { blockBytes } = this.blocks
    return Exit.fail(
      new Disk({
        path: Printable.line(this.destination),
        reason: "full",
        detail: `an object has at most ${partsAtMost} parts, here of ${blockBytes / mebibyte} MiB`
      })
    )
  }

  private translated<A>(effect: Effect.Effect<A, S3Failure>): Effect.Effect<A, Disk> {
    return mapError(effect, (failure) => toDisk(this.destination, failure))
  }

  private keep(record: string, resume: string): Effect.Effect<void, S3Failure> {
    const { blocks, key, options } = this
    return Effect.gen(this, function* () {
      const id = yield* this.identity
      if (!this.holdsLease) {
        yield* Effect.uninterruptible(
          Effect.map(options.lease.hold, () => {
            this.holdsLease = true
            options.keptParts.use(id)
          })
        )
      }
      yield* blocks.stored
      const garbage = blocks.takeGarbage()
      const kept: Record.KeptRecord = {
        owner: options.lease.owner,
        destination: key,
        resume,
        blockBytes: blocks.blockBytes,
        blocks: blocks.kept,
        record
      }
      yield* Effect.onError(options.bucket.put(this.recordKey(id, resume), Record.encode(kept)), () =>
        Effect.sync(() => blocks.giveBackGarbage(garbage))
      )
      this.kept = kept
      yield* this.removeObjects(id, garbage)
    })
  }

  private recordKey(id: string, resume: string): string {
    return this.options.keptParts.recordKey(Keys.tagOf(this.key, resume), id, this.generation)
  }

  /** Removes objects of the part. What cannot be removed now is removed at the end of the part, or stays as a leftover. */
  private removeObjects(id: string, names: Iterable<string>): Effect.Effect<void> {
    const { blocks, options } = this
    return Effect.forEach(
      names,
      (name) =>
        Effect.ignore(
          Effect.map(options.bucket.remove(Keys.blocks(options.prefix, id) + name), () => {
            blocks.objects.delete(name)
          })
        ),
      { concurrency: 8, discard: true }
    )
  }

  private publishAt(path: string, { modifiedMillis, onExists }: PublishOptions): Effect.Effect<boolean, Disk> {
    const { bucket, concurrency, prefix, keyQueue } = this.options
    const found = Keys.keyOf(this.options, path)
    if ("problem" in found) {
      return new Disk({ path: Printable.line(path), reason: "other", detail: found.problem })
    }
    const { blocks } = this
    const making = Effect.flatMap(this.identity, (id) =>
      assemble({ bucket, blocks, id, keyPrefix: Keys.blocks(prefix, id), concurrency }, found.key, {
        ifAbsent: onExists !== "overwrite",
        modifiedMillis
      })
    )
    return this.translated(keyQueue.withKey(found.key, making))
  }

  /** Leaves the part to the next process. */
  private released(kept: Record.KeptRecord): Effect.Effect<void> {
    const { blocks, key, options, resume } = this
    return Effect.gen(this, function* () {
      yield* blocks.end
      const id = yield* this.identity
      if (resume === undefined) {
        return
      }
      const free = { ...kept, owner: "" }
      yield* Effect.ignore(options.bucket.put(this.recordKey(id, resume), Record.encode(free)))
      const names = new Set(kept.blocks.map(({ name }) => name))
      yield* this.removeObjects(
        id,
        Array.from(blocks.objects).filter((name) => !names.has(name))
      )
      options.keptParts.add(Keys.tagOf(key, resume), id, this.generation)
      yield* this.endLease
    })
  }

  /** Removes all that the storage has of the part. */
  private get removed(): Effect.Effect<void> {
    const { blocks, id, options, resume } = this
    return Effect.gen(this, function* () {
      yield* blocks.end
      if (id === undefined) {
        return
      }
      if (resume !== undefined && this.holdsLease) {
        yield* Effect.ignore(options.bucket.remove(this.recordKey(id, resume)))
      }
      yield* this.removeObjects(id, Array.from(blocks.objects))
      if (this.wasKilled) {
        yield* removeAll(options, id)
      }
      options.keptParts.forget(id)
      yield* this.endLease
    })
  }

  private get endLease(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.holdsLease) {
        return Effect.void
      }
      this.holdsLease = false
      return this.options.lease.release
    })
  }
}

/** Removes all objects of a part, and aborts its multipart uploads. */
export const removeAll = (
  { bucket, prefix }: Pick<PartOptions, "bucket" | "prefix">,
  id: string
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const from = Keys.blocks(prefix, id)
    const found = yield* Effect.orElseSucceed(bucket.list(from), () => [])
    yield* Effect.forEach(
      found,
      ({ key }) =>
        Effect.ignore(
          Effect.gen(function* () {
            if (key.startsWith(from + UploadNote.prefix)) {
              const note = UploadNote.decode(yield* bucket.get(key))
              yield* note === undefined ? Effect.void : bucket.abortUpload(note.key, note.upload)
            }
            yield* bucket.remove(key)
          })
        ),
      { concurrency: 8, discard: true }
    )
  })
