/**
 * The content of a part as blocks of one size. A block is collected in memory, and goes to an object of its own when all of it was
 * written, when a checkpoint keeps it, or when the blocks of the store take too much memory.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { Block, type BlockMemory, type StoredBlock } from "./block.js"
import type { Bucket } from "./bucket.js"
import type { S3Failure } from "./failure.js"
import * as Keys from "./keys.js"
import type { KeptBlock } from "./record.js"

export interface BlockOptions {
  readonly bucket: Bucket
  readonly memory: BlockMemory
  /** The memory that the blocks of all parts may take, in addition to one block of each part. */
  readonly memoryBytes: number
  /** Maximum number of blocks of one part that are uploaded at a time. */
  readonly concurrency: number
  /** The fibers of uploads end with it. */
  readonly scope: Scope.Scope
}

/** A piece of a chunk within one block. */
interface Piece {
  readonly index: number
  readonly startBytes: number
  readonly bytes: Uint8Array
}

export class Blocks {
  /** The end of the last byte that was written. */
  sizeBytes = 0
  /** The names of the objects that may exist below the blocks of this part. */
  readonly objects = new Set<string>()
  private readonly blocks = new Map<number, Block>()
  /** The blocks whose upload has failed, and which the next call uploads. */
  private readonly failed = new Set<number>()
  private readonly running = new Set<Fiber.RuntimeFiber<void>>()
  private readonly permits: Effect.Semaphore
  /** Objects that hold no block any more. */
  private garbage: Array<string> = []
  private uses = 0
  /** The block that was read last. It stays in memory for the next read. */
  private lastRead: Block | undefined

  constructor(
    private readonly options: BlockOptions,
    /** The prefix of the objects. */
    private readonly keyPrefix: () => Effect.Effect<string>,
    readonly blockBytes: number
  ) {
    this.permits = Effect.unsafeMakeSemaphore(options.concurrency)
  }

  restore(kept: ReadonlyArray<KeptBlock>): void {
    for (const { index, ...stored } of kept) {
      this.blocks.set(index, Block.restored(this.options.memory, stored, this.blockBytes))
      this.objects.add(stored.name)
      this.sizeBytes = Math.max(this.sizeBytes, index * this.blockBytes + stored.sizeBytes)
    }
  }

  /** Copies a chunk, and ends at once if nothing has to be loaded or uploaded for it. */
  write(chunk: Uint8Array, positionBytes: number): Effect.Effect<void, S3Failure> {
    const startBytes = positionBytes % this.blockBytes
    const endBytes = startBytes + chunk.length
    const block = this.blockAt(Math.floor(positionBytes / this.blockBytes))
    const { memory, memoryBytes } = this.options
    const isSimple =
      this.failed.size === 0 &&
      endBytes <= this.blockBytes &&
      block.isInMemory &&
      (block.wasComplete || block.writtenBytes + chunk.length < this.blockBytes) &&
      memory.usedBytes + block.growthBytes(endBytes, this.blockBytes) <= memoryBytes
    if (!isSimple) {
      return Effect.suspend(() => this.writeEach(chunk, positionBytes))
    }
    this.put(block, chunk, startBytes, positionBytes)
    return Exit.void
  }

  /** Reads into the chunk, and returns how many bytes there are. */
  read(chunk: Uint8Array, positionBytes: number): Effect.Effect<number, S3Failure> {
    const count = Math.max(0, Math.min(chunk.length, this.sizeBytes - positionBytes))
    const pieces = this.piecesOf(chunk.subarray(0, count), positionBytes)
    if (pieces.every(({ index }) => this.blocks.get(index)?.isInMemory !== false)) {
      for (const { bytes, index, startBytes } of pieces) {
        this.blockAt(index).read(bytes, startBytes)
      }
      return Exit.succeed(count)
    }
    return Effect.gen(this, function* () {
      for (const { bytes, index, startBytes } of pieces) {
        const block = yield* this.loaded(index)
        block.read(bytes, startBytes)
        if (this.lastRead !== block) {
          this.freeIfStored(this.lastRead)
          this.lastRead = block
        }
      }
      return count
    })
  }

  /** Uploads all blocks that are in memory and not in an object. */
  get stored(): Effect.Effect<void, S3Failure> {
    return Effect.suspend(() =>
      Effect.forEach(
        Array.from(this.blocks).filter(([, block]) => block.bytes !== undefined),
        ([index, block]) => this.store(index, block, 0),
        { concurrency: this.options.concurrency, discard: true }
      )
    )
  }

  /** Uploads what is not in objects, so that each block has an object of its whole length, and returns these objects in order. */
  get complete(): Effect.Effect<ReadonlyArray<KeptBlock>, S3Failure> {
    return Effect.suspend(() => {
      const count = Math.ceil(this.sizeBytes / this.blockBytes)
      return Effect.forEach(
        Array.from({ length: count }, (_, index) => index),
        (index) =>
          Effect.gen(this, function* () {
            const lengthBytes = Math.min(this.blockBytes, this.sizeBytes - index * this.blockBytes)
            const block = this.blockAt(index)
            const stored = yield* this.store(index, block, lengthBytes)
            this.freeIfStored(block)
            return { index, ...stored }
          }),
        { concurrency: this.options.concurrency }
      )
    })
  }

  /** The content of a part that is not larger than one block. */
  get content(): Effect.Effect<Uint8Array, S3Failure> {
    return Effect.map(this.loaded(0), (block) => block.content(this.sizeBytes))
  }

  /** The objects that hold the blocks at this moment. */
  get kept(): ReadonlyArray<KeptBlock> {
    return Array.from(this.blocks).flatMap(([index, { stored }]) =>
      stored === undefined ? [] : [{ index, ...stored }]
    )
  }

  /** Returns the objects that hold no block, and forgets them. */
  takeGarbage(): ReadonlyArray<string> {
    const taken = this.garbage
    this.garbage = []
    return taken
  }

  giveBackGarbage(names: ReadonlyArray<string>): void {
    this.garbage.push(...names)
  }

  /** Waits for the uploads. Those that have failed are made again by `stored` and `complete`. */
  get settled(): Effect.Effect<void> {
    return Effect.suspend(() => Fiber.awaitAll(this.running))
  }

  /** Ends the uploads, and frees the memory. */
  get end(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.map(this.running.size === 0 ? Exit.void : Fiber.interruptAll(this.running), () => {
        for (const block of this.blocks.values()) {
          block.free()
        }
        this.blocks.clear()
      })
    )
  }

  private put(block: Block, bytes: Uint8Array, startBytes: number, positionBytes: number): void {
    block.write(bytes, startBytes, this.blockBytes)
    block.lastUse = this.uses++
    this.sizeBytes = Math.max(this.sizeBytes, positionBytes + bytes.length)
  }

  private writeEach(chunk: Uint8Array, positionBytes: number): Effect.Effect<void, S3Failure> {
    return Effect.gen(this, function* () {
      for (const index of this.failed) {
        yield* this.store(index, this.blockAt(index), 0)
        this.failed.delete(index)
      }
      for (const { bytes, index, startBytes } of this.piecesOf(chunk, positionBytes)) {
        const block = yield* this.loaded(index)
        this.put(block, bytes, startBytes, index * this.blockBytes + startBytes)
        if (!block.wasComplete && block.writtenBytes >= this.blockBytes) {
          block.wasComplete = true
          yield* this.storeBeside(index, block)
        }
        yield* this.evict(block)
      }
    })
  }

  private piecesOf(chunk: Uint8Array, positionBytes: number): ReadonlyArray<Piece> {
    const pieces: Array<Piece> = []
    for (let at = 0; at < chunk.length; ) {
      const startBytes = (positionBytes + at) % this.blockBytes
      const bytes = chunk.subarray(at, at + this.blockBytes - startBytes)
      pieces.push({ index: Math.floor((positionBytes + at) / this.blockBytes), startBytes, bytes })
      at += bytes.length
    }
    return pieces
  }

  private blockAt(index: number): Block {
    let block = this.blocks.get(index)
    if (block === undefined) {
      block = new Block(this.options.memory)
      this.blocks.set(index, block)
    }
    return block
  }

  /** Returns the block in memory. Nothing may be awaited between this and the use of the block, because it may be freed. */
  private loaded(index: number): Effect.Effect<Block, S3Failure> {
    const block = this.blockAt(index)
    return Effect.suspend(() =>
      block.isInMemory
        ? Effect.succeed(block)
        : Effect.zipRight(
            block.lock.withPermits(1)(
              Effect.suspend(() => {
                const { stored } = block
                return stored === undefined || block.isInMemory
                  ? Effect.void
                  : Effect.flatMap(this.keyPrefix(), (prefix) =>
                      Effect.map(this.options.bucket.get(prefix + stored.name), (content) => block.load(content))
                    )
              })
            ),
            this.loaded(index)
          )
    )
  }

  /** Uploads a block with at least this number of bytes, unless an object has it. */
  private store(index: number, block: Block, leastBytes: number): Effect.Effect<StoredBlock, S3Failure> {
    return block.lock.withPermits(1)(
      Effect.suspend((): Effect.Effect<StoredBlock, S3Failure> => {
        const { stored } = block
        const sizeBytes = Math.max(block.endBytes, leastBytes)
        if (stored !== undefined && block.isClean && stored.sizeBytes >= sizeBytes) {
          return Effect.succeed(stored)
        }
        return Effect.gen(this, function* () {
          const prefix = yield* this.keyPrefix()
          if (!block.isInMemory && stored !== undefined) {
            block.load(yield* this.options.bucket.get(prefix + stored.name))
          }
          const name = `${index}-${yield* Keys.draw}`
          const { written } = block
          this.objects.add(name)
          const uploading = Effect.suspend(() => this.options.bucket.put(prefix + name, block.lend(sizeBytes)))
          const etag = yield* Effect.onError(uploading, () =>
            Effect.sync(() => {
              block.settle(undefined)
              this.garbage.push(name)
            })
          )
          const made = { name, etag, sizeBytes, written }
          block.settle(made)
          if (stored !== undefined) {
            this.garbage.push(stored.name)
          }
          return made
        })
      })
    )
  }

  /** Uploads a block while the caller goes on, as soon as not too many of the part's blocks are being uploaded. */
  private storeBeside(index: number, block: Block): Effect.Effect<void> {
    const storing = this.store(index, block, 0).pipe(
      Effect.match({
        onFailure: () => {
          this.failed.add(index)
        },
        onSuccess: () => this.freeIfStored(block)
      }),
      Effect.ensuring(this.permits.release(1))
    )
    return Effect.uninterruptibleMask((restore) =>
      Effect.zipRight(
        restore(this.permits.take(1)),
        Effect.map(Effect.forkIn(Effect.interruptible(storing), this.options.scope), (fiber) => {
          this.running.add(fiber)
          fiber.addObserver(() => this.running.delete(fiber))
        })
      )
    )
  }

  /** Frees memory if the blocks of the store take too much: first those of this part that were used least recently. */
  private evict(current: Block): Effect.Effect<void, S3Failure> {
    return Effect.gen(this, function* () {
      const { memory, memoryBytes } = this.options
      while (memory.usedBytes > memoryBytes) {
        const [index, block] = this.leastUsed(current) ?? []
        if (index === undefined || block === undefined) {
          return
        }
        yield* this.store(index, block, 0)
        this.freeIfStored(block)
      }
    })
  }

  private leastUsed(current: Block): readonly [number, Block] | undefined {
    let found: readonly [number, Block] | undefined
    for (const entry of this.blocks) {
      const [, block] = entry
      if (
        block !== current &&
        block.bytes !== undefined &&
        block.lastUse < (found?.[1].lastUse ?? Number.POSITIVE_INFINITY)
      ) {
        found = entry
      }
    }
    return found
  }

  private freeIfStored(block: Block | undefined): void {
    if (block?.stored !== undefined && block.isClean && !block.isLent) {
      block.free()
    }
  }
}
