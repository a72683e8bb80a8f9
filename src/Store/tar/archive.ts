/**
 * One tar that is being written: a part of another store, whose checkpoints have the index.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type { Scope } from "effect/Scope"
import * as Stream from "effect/Stream"
import { Disk } from "../../DownloadError.js"
import * as Printable from "../../internal/text/printable.js"
import { type Durability, openScoped, type Part, type Store } from "../../Store.js"
import * as Header from "./header.js"
import { fromText, type Sample, SampleIndex } from "./sampleIndex.js"

/** A content that is complete, and that is not in the tar yet. */
export interface Content {
  readonly sizeBytes: number
  /** The whole content, if it is in memory. */
  readonly bytes: Uint8Array | undefined
  readonly read: (chunk: Uint8Array, positionBytes: number) => Effect.Effect<number, Disk>
}

/** A sample before it has a position. */
export interface NewSample {
  readonly path: string
  readonly key: string
  readonly modifiedMillis: number | undefined
  readonly content: Content
  /** The blocks before the content and after it. */
  readonly head: Uint8Array
  readonly tail: Uint8Array
}

export const lengthOf = ({ content, head, tail }: NewSample): number => head.length + content.sizeBytes + tail.length

/** A sample of a tar, and what it has replaced. */
export interface Appended {
  readonly sample: Sample
  readonly replaced: Sample | undefined
}

const copyBytes = 256 * 1024

/** The path of the file that has the index of a complete tar. */
export const indexPath = (path: string): string => `${path}.index`

export class Archive {
  private readonly lock = Effect.unsafeMakeSemaphore(1)
  /** The checkpoint that has not begun, for which publishes wait. */
  private nextCommit: { durability: Durability; readonly done: Deferred.Deferred<void, Disk> } | undefined
  /** True if the tar has its name, or would have no sample. */
  isComplete: boolean
  /** The bytes that were appended since the last checkpoint began. */
  private newBytes = 0

  constructor(
    private readonly store: typeof Store.Service,
    readonly path: string,
    public index: SampleIndex,
    /** Undefined when the tar is complete, and after `leave`. */
    private part: Part | undefined,
    /** A commit of fewer new bytes makes no checkpoint. */
    private readonly checkpointBytes: number
  ) {
    this.isComplete = part === undefined
  }

  /** Appends a sample. No other call of it is under way. If it fails, the next one writes in the same place. */
  append(sample: NewSample): Effect.Effect<Appended, Disk> {
    const { index, part } = this
    const { content, head, key, modifiedMillis, path, tail } = sample
    if (part === undefined) {
      return Exit.die(new Error("a sample was appended to a complete tar"))
    }
    const startBytes = index.endBytes
    const contentBytes = startBytes + head.length
    const tailBytes = contentBytes + content.sizeBytes
    const written =
      content.bytes === undefined
        ? Effect.all([
            part.write(head, startBytes),
            copy(content.read, part, { toBytes: contentBytes, sizeBytes: content.sizeBytes }),
            Effect.suspend(() => part.write(tail, tailBytes))
          ])
        : part.write(Header.concat([head, content.bytes, tail]), startBytes)
    return Effect.map(written, () => {
      const endBytes = tailBytes + tail.length
      this.newBytes += endBytes - startBytes
      const added = { path, key, startBytes, contentBytes, sizeBytes: content.sizeBytes, endBytes, modifiedMillis }
      return { sample: added, replaced: index.add(added) }
    })
  }

  /** Takes back a sample that no checkpoint has kept. */
  takeBack({ replaced, sample }: Appended): void {
    if (this.index.get(sample.path) === sample) {
      this.index.remove(sample.path)
      if (replaced !== undefined) {
        this.index.add(replaced)
      }
    }
  }

  /**
   * Keeps what was appended before this call, if that is enough for a checkpoint. The calls that wait while a checkpoint is under way
   * share the next one. Run it uninterruptible.
   */
  commit(durability: Durability): Effect.Effect<void, Disk> {
    return Effect.suspend(() => {
      const { nextCommit } = this
      if (this.newBytes < this.checkpointBytes) {
        return Exit.void
      }
      if (nextCommit !== undefined) {
        nextCommit.durability = durability === "full" ? durability : nextCommit.durability
        return Deferred.await(nextCommit.done)
      }
      const commit = { durability, done: Deferred.unsafeMake<void, Disk>(FiberId.none) }
      this.nextCommit = commit
      return this.exclusively(() => {
        this.nextCommit = undefined
        if (this.part !== undefined) {
          return this.checkpoint(this.part, commit.durability)
        }
        return this.isComplete ? Exit.void : failure(this.path, "other", "the store was closed")
      }).pipe(Effect.onExit((exit) => Deferred.done(commit.done, exit)))
    })
  }

  private checkpoint(part: Part, durability: Durability): Effect.Effect<void, Disk> {
    const { newBytes } = this
    this.newBytes = 0
    return Effect.tapError(part.checkpoint(this.index.text, durability), () =>
      Effect.sync(() => {
        this.newBytes += newBytes
      })
    )
  }

  /** Reads bytes of the tar while it is not complete. */
  read(chunk: Uint8Array, positionBytes: number): Effect.Effect<number, Disk> {
    return this.exclusively(() =>
      this.part === undefined
        ? failure(this.path, "unavailable", "the tar was completed in the meantime")
        : this.part.read(chunk, positionBytes)
    )
  }

  /** Publishes the tar, and before that its index. A tar without samples is not published. It cannot be interrupted. */
  finish(durability: Durability): Effect.Effect<void, Disk> {
    return Effect.uninterruptible(
      this.exclusively(() => {
        const { index, part } = this
        if (part === undefined || index.count === 0) {
          this.part = undefined
          this.isComplete = true
          return part?.close("discard") ?? Exit.void
        }
        return Effect.scoped(
          Effect.gen(this, function* () {
            const isExact = !index.hasGaps && !(yield* hasBytesAt(part, index.endBytes + Header.end.length))
            const whole = isExact ? { part, index } : yield* this.compacted(part)
            yield* whole.part.write(Header.end, whole.index.endBytes)
            yield* this.saveIndex(whole.index, durability)
            const published = yield* Effect.exit(whole.part.publish({ onExists: "fail", durability }))
            if (Exit.isSuccess(published) || isPublished(published)) {
              this.part = undefined
              this.isComplete = true
              this.index = whole.index
              yield* part.close("discard")
            }
            yield* published
          })
        )
      })
    )
  }

  /** Ends the use of the tar. Its part and a last checkpoint stay for a later run, if the tar has samples. */
  get leave(): Effect.Effect<void> {
    return Effect.uninterruptible(
      this.exclusively(() => {
        const { index, newBytes, part } = this
        this.part = undefined
        if (part === undefined) {
          return Exit.void
        }
        return index.count === 0
          ? part.close("discard")
          : // Without this checkpoint, a later run adds the last files again.
            Effect.zipRight(
              newBytes === 0 ? Exit.void : Effect.ignore(this.checkpoint(part, "rename")),
              part.close("keep")
            )
      })
    )
  }

  /** Copies the samples of the index to another part, without the bytes between them. */
  private compacted(part: Part): Effect.Effect<{ readonly part: Part; readonly index: SampleIndex }, Disk, Scope> {
    const { index, path, store } = this
    return Effect.gen(function* () {
      const copied = yield* openScoped(store, path)
      const moved = new SampleIndex()
      for (const sample of index.all) {
        const byBytes = moved.endBytes - sample.startBytes
        yield* copy((chunk, positionBytes) => part.read(chunk, sample.startBytes + positionBytes), copied, {
          toBytes: moved.endBytes,
          sizeBytes: sample.endBytes - sample.startBytes
        })
        moved.add({
          ...sample,
          startBytes: sample.startBytes + byBytes,
          contentBytes: sample.contentBytes + byBytes,
          endBytes: sample.endBytes + byBytes
        })
      }
      return { part: copied, index: moved }
    })
  }

  private saveIndex(index: SampleIndex, durability: Durability): Effect.Effect<void, Disk> {
    return Effect.scoped(
      Effect.gen(this, function* () {
        const part = yield* openScoped(this.store, indexPath(this.path))
        yield* part.write(new TextEncoder().encode(index.text), 0)
        yield* part.publish({ onExists: "overwrite", durability })
      })
    )
  }

  private exclusively<A, E>(use: () => Effect.Effect<A, E>): Effect.Effect<A, E> {
    return this.lock.withPermits(1)(Effect.suspend(use))
  }
}

/** Opens the part of a tar, with the samples that an earlier run has left in it. Run it uninterruptible. */
export const open = (
  store: typeof Store.Service,
  path: string,
  options: { readonly key: string; readonly checkpointBytes: number }
): Effect.Effect<Archive, Disk> =>
  Effect.gen(function* () {
    const { part, record } = yield* store.open(path, { resume: options.key })
    const index = record === undefined ? new SampleIndex() : fromText(record)
    if (index !== undefined) {
      return new Archive(store, path, index, part, options.checkpointBytes)
    }
    // A record of another version is of no use.
    yield* part.close("discard")
    return yield* open(store, path, options)
  })

/** Reads the index of a complete tar of this size. */
export const load = (
  store: typeof Store.Service,
  path: string,
  sizeBytes: number | undefined
): Effect.Effect<Archive, Disk> =>
  Effect.gen(function* () {
    const decoder = new TextDecoder()
    const text = yield* Stream.runFold(
      store.read(indexPath(path)),
      "",
      (before, chunk) => before + decoder.decode(chunk, { stream: true })
    ).pipe(
      Effect.catchIf(
        ({ reason }) => reason === "missing",
        () => Exit.succeed("")
      )
    )
    const index = fromText(text)
    return index !== undefined && index.endBytes + Header.end.length === sizeBytes
      ? new Archive(store, path, index, undefined, 0)
      : yield* failure(path, "exists", `the tar exists, and "${indexPath(path)}" is not its index`)
  })

export const failure = (path: string, reason: Disk["reason"], detail: string): Exit.Exit<never, Disk> =>
  Exit.fail(new Disk({ path: Printable.line(path), reason, detail }))

/** True if the tar has its name, although the failure says that it may not survive a power cut. */
const isPublished = ({ cause }: Exit.Failure<unknown, Disk>): boolean =>
  Option.exists(Cause.failureOption(cause), ({ reason }) => reason === "not-durable")

const hasBytesAt = (part: Part, positionBytes: number): Effect.Effect<boolean, Disk> =>
  Effect.map(part.read(new Uint8Array(1), positionBytes), (count) => count > 0)

const copy = (
  read: Content["read"],
  to: Part,
  { sizeBytes, toBytes }: { readonly toBytes: number; readonly sizeBytes: number }
): Effect.Effect<void, Disk> =>
  Effect.gen(function* () {
    const buffer = new Uint8Array(Math.min(copyBytes, sizeBytes))
    for (let doneBytes = 0; doneBytes < sizeBytes; ) {
      const count = yield* read(buffer.subarray(0, Math.min(copyBytes, sizeBytes - doneBytes)), doneBytes)
      if (count === 0) {
        return yield* Effect.dieMessage("a part is shorter than what was written to it")
      }
      yield* to.write(buffer.subarray(0, count), toBytes + doneBytes)
      doneBytes += count
    }
  })
