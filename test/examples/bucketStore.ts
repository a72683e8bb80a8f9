import { Effect, Exit, Layer, Stream } from "effect"
import { DownloadError, Store } from "halyard"

/** What the store needs of an object storage. An upload has no name until it is completed. */
export interface Bucket {
  /** Undefined if there is no such object. */
  readonly get: (name: string) => Promise<Uint8Array | undefined>
  readonly begin: () => Promise<string>
  /** Returns false, and does nothing, if there is such an object and `replaces` is false. */
  readonly complete: (upload: string, name: string, content: Uint8Array, replaces: boolean) => Promise<boolean>
  readonly abort: (upload: string) => Promise<void>
}

export const layer = (bucket: Bucket): Layer.Layer<Store.Store> =>
  Layer.succeed(Store.Store, {
    prepare: () => Exit.void,
    stat: (destination) =>
      Effect.map(
        call(destination, () => bucket.get(destination)),
        (found) => (found === undefined ? undefined : { sizeBytes: found.length, modifiedMillis: undefined })
      ),
    read: (destination) =>
      Stream.fromEffect(call(destination, () => bucket.get(destination))).pipe(
        Stream.flatMap((found) => (found === undefined ? disk(destination, "missing", "") : Stream.make(found)))
      ),
    open: (destination) =>
      Effect.map(
        call(destination, () => bucket.begin()),
        // Nothing is kept for a later run.
        (upload) => ({ part: new BucketPart(bucket, destination, upload), record: undefined })
      )
  })

/** Keeps the content in memory until it is published. */
class BucketPart implements Store.Part {
  private buffer = new Uint8Array(0)
  private sizeBytes = 0

  constructor(
    private readonly bucket: Bucket,
    private readonly destination: string,
    private readonly upload: string
  ) {}

  write(chunk: Uint8Array, positionBytes: number): Exit.Exit<void> {
    const endBytes = positionBytes + chunk.length
    if (endBytes > this.buffer.length) {
      const larger = new Uint8Array(Math.max(endBytes, 2 * this.buffer.length))
      larger.set(this.buffer)
      this.buffer = larger
    }
    this.buffer.set(chunk, positionBytes)
    this.sizeBytes = Math.max(this.sizeBytes, endBytes)
    return Exit.void
  }

  read(chunk: Uint8Array, positionBytes: number): Exit.Exit<number> {
    const found = this.content.subarray(positionBytes, positionBytes + chunk.length)
    chunk.set(found)
    return Exit.succeed(found.length)
  }

  reserve(): Exit.Exit<void> {
    return Exit.void
  }

  checkpoint(): Exit.Exit<void> {
    return Exit.void
  }

  publish({ name, onExists }: Store.PublishOptions): Effect.Effect<string | undefined, DownloadError.Disk> {
    const { bucket, content, destination, upload } = this
    const target = name === undefined ? destination : destination.slice(0, destination.lastIndexOf("/") + 1) + name
    const names = onExists === "unique" ? numbered(target) : [target]
    return Effect.uninterruptible(
      Effect.gen(function* () {
        for (const free of names) {
          if (yield* call(destination, () => bucket.complete(upload, free, content, onExists === "overwrite"))) {
            return free
          }
        }
        return onExists === "skip" ? undefined : yield* disk(destination, "exists", "")
      })
    )
  }

  close(): Effect.Effect<void> {
    return Effect.promise(() => this.bucket.abort(this.upload))
  }

  private get content(): Uint8Array {
    return this.buffer.subarray(0, this.sizeBytes)
  }
}

/** `name.gif`, `name-2.gif`, `name-3.gif` and so on. */
function* numbered(path: string) {
  yield path
  for (let number = 2; ; number++) {
    yield path.replace(/(\.[^./]*)?$/, (extension) => `-${number}${extension}`)
  }
}

const call = <A>(path: string, use: () => Promise<A>): Effect.Effect<A, DownloadError.Disk> =>
  Effect.tryPromise({ try: use, catch: (error) => disk(path, "other", String(error)) })

const disk = (path: string, reason: DownloadError.Disk["reason"], detail: string) =>
  new DownloadError.Disk({ path, reason, detail })
