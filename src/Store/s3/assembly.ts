/**
 * Makes the object of a destination from the content of a part: with one request if it fits into one block, and otherwise with a
 * multipart upload whose parts the storage copies from the objects of the blocks.
 *
 * @internal
 */
import type * as Headers from "@effect/platform/Headers"
import * as Effect from "effect/Effect"
import type { Blocks } from "./blocks.js"
import type { Bucket, Creation, UploadedPart } from "./bucket.js"
import { S3Failure } from "./failure.js"
import * as Keys from "./keys.js"
import type { KeptBlock } from "./record.js"
import * as UploadNote from "./uploadNote.js"

export interface Assembly {
  readonly bucket: Bucket
  readonly blocks: Blocks
  /** The part. The metadata of the object have it, so that a lost response leaves no doubt about its author. */
  readonly id: string
  /** The prefix of the objects of the part. */
  readonly keyPrefix: string
  readonly concurrency: number
}

/** The name of the metadata that say which part an object was made from. */
const author = "halyard"

/** The time of the last modification in seconds since 1970, as rclone writes it. */
export const modified = "mtime"

/** Makes the object. Returns false if `ifAbsent` and there is one with this key. */
export const assemble = (
  assembly: Assembly,
  key: string,
  options: { readonly ifAbsent: boolean; readonly modifiedMillis: number | undefined }
): Effect.Effect<boolean, S3Failure> => {
  const { blocks, bucket, id } = assembly
  const metadata = {
    [author]: id,
    ...(options.modifiedMillis === undefined ? {} : { [modified]: String(options.modifiedMillis / 1000) })
  }
  const make = (ifAbsent: boolean): Effect.Effect<void, S3Failure> => {
    const creation: Creation = { metadata, ifAbsent }
    return blocks.sizeBytes <= blocks.blockBytes
      ? Effect.asVoid(Effect.flatMap(blocks.content, (content) => bucket.put(key, content, creation)))
      : multipart(assembly, key, creation)
  }
  const madeBy = (headers: Headers.Headers | undefined) => headers?.[`x-amz-meta-${author}`] === id
  const isOwn = Effect.map(bucket.head(key), madeBy)
  return Effect.gen(function* () {
    const before = options.ifAbsent ? yield* bucket.head(key) : undefined
    if (before !== undefined) {
      return madeBy(before)
    }
    return yield* make(options.ifAbsent).pipe(
      // A storage without conditional writes. The request before this one has found no object.
      Effect.catchIf(
        ({ status }) => options.ifAbsent && status === 501,
        () => make(false)
      ),
      Effect.as(true),
      // The response to the request that has made the object may be lost. A repeated request is then refused.
      Effect.catchIf(
        ({ code, status }) => status === 412 || code === "NoSuchUpload",
        (failure) =>
          Effect.flatMap(isOwn, (own) =>
            own || (options.ifAbsent && failure.status === 412)
              ? Effect.succeed(own)
              : new S3Failure({
                  status: undefined,
                  code: "",
                  detail: "the multipart upload was aborted or has expired"
                })
          )
      )
    )
  })
}

const multipart = (assembly: Assembly, key: string, creation: Creation): Effect.Effect<void, S3Failure> =>
  Effect.gen(function* () {
    const { blocks, bucket } = assembly
    const sources = yield* blocks.complete
    const upload = yield* bucket.createUpload(key, creation)
    yield* Effect.gen(function* () {
      yield* noted(assembly, key, upload)
      const parts = yield* Effect.forEach(sources, (source) => transferred(assembly, key, upload, source), {
        concurrency: assembly.concurrency
      })
      yield* verified(assembly, key, upload, sources, parts)
      yield* bucket.completeUpload(key, upload, parts, creation.ifAbsent)
    }).pipe(Effect.onError(() => Effect.ignore(bucket.abortUpload(key, upload))))
  })

/** Writes down the upload beside the blocks: if the process is killed, the upload can be found and aborted. */
const noted = ({ blocks, bucket, keyPrefix }: Assembly, key: string, upload: string): Effect.Effect<void, S3Failure> =>
  Effect.flatMap(Keys.draw, (drawn) => {
    const name = UploadNote.prefix + drawn
    blocks.objects.add(name)
    return Effect.asVoid(bucket.put(keyPrefix + name, UploadNote.encode({ key, upload })))
  })

/** Copies a block into a part. A storage without such copies gets the bytes from this process. */
const transferred = (
  { bucket, keyPrefix }: Assembly,
  key: string,
  upload: string,
  { etag, index, name }: KeptBlock
): Effect.Effect<UploadedPart, S3Failure> =>
  bucket.copyPart(key, upload, index + 1, { key: keyPrefix + name, etag }).pipe(
    Effect.catchIf(
      ({ status }) => status === 501,
      () => Effect.flatMap(bucket.get(keyPrefix + name), (body) => bucket.uploadPart(key, upload, index + 1, body))
    )
  )

/** Fails if a copy does not have the size of its block. A copy with the same entity tag has the same content. */
const verified = (
  { bucket }: Assembly,
  key: string,
  upload: string,
  sources: ReadonlyArray<KeptBlock>,
  parts: ReadonlyArray<UploadedPart>
): Effect.Effect<void, S3Failure> =>
  sources.every(({ etag }, index) => parts[index]?.etag === etag)
    ? Effect.void
    : Effect.flatMap(bucket.partSizes(key, upload), (sizes) =>
        sources.every(({ index, sizeBytes }) => sizes.get(index + 1) === sizeBytes)
          ? Effect.void
          : new S3Failure({ status: 400, code: "", detail: "the storage has not copied all bytes of a part" })
      )
