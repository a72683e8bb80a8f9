/**
 * The operations on a bucket that the store needs.
 *
 * @internal
 */
import type * as Headers from "@effect/platform/Headers"
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import { S3Failure } from "./failure.js"
import { encodeKey, type Requests } from "./requests.js"
import { childrenOf, escaped, rootOf, textOf } from "./xml.js"

/** An object in a listing. */
export interface Listed {
  readonly key: string
  readonly sizeBytes: number
  readonly modifiedMillis: number
}

/** An uploaded part of a multipart upload. */
export interface UploadedPart {
  readonly number: number
  readonly etag: string
}

/** What is created with an object, and what must hold. */
export interface Creation {
  /** Metadata by name, without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>
  /** Fails with the status 412 if there is an object with this key. A storage without conditional writes may fail with 501. */
  readonly ifAbsent: boolean
}

export interface Bucket {
  /** Returns the entity tag. */
  readonly put: (key: string, body: Uint8Array, creation?: Creation) => Effect.Effect<string, S3Failure>
  /** The whole object. */
  readonly get: (key: string) => Effect.Effect<Uint8Array, S3Failure>
  readonly read: (key: string) => Stream.Stream<Uint8Array, S3Failure>
  /** The headers of an object; undefined if there is none. */
  readonly head: (key: string) => Effect.Effect<Headers.Headers | undefined, S3Failure>
  /** Succeeds if there is no such object. */
  readonly remove: (key: string) => Effect.Effect<void, S3Failure>
  readonly list: (prefix: string) => Effect.Effect<ReadonlyArray<Listed>, S3Failure>
  readonly createUpload: (key: string, creation: Creation) => Effect.Effect<string, S3Failure>
  readonly uploadPart: (
    key: string,
    upload: string,
    number: number,
    body: Uint8Array
  ) => Effect.Effect<UploadedPart, S3Failure>
  /** Copies an object into a part, without the bytes passing through this process. Fails if the object has another entity tag. */
  readonly copyPart: (
    key: string,
    upload: string,
    number: number,
    source: { readonly key: string; readonly etag: string }
  ) => Effect.Effect<UploadedPart, S3Failure>
  /** The sizes of the uploaded parts, by number. */
  readonly partSizes: (key: string, upload: string) => Effect.Effect<ReadonlyMap<number, number>, S3Failure>
  readonly completeUpload: (
    key: string,
    upload: string,
    parts: ReadonlyArray<UploadedPart>,
    ifAbsent: boolean
  ) => Effect.Effect<void, S3Failure>
  /** Succeeds if there is no such upload. */
  readonly abortUpload: (key: string, upload: string) => Effect.Effect<void, S3Failure>
}

export const make = (requests: Requests, bucketName: string): Bucket => {
  const { send, stream } = requests

  const list = (prefix: string, token: string | undefined): Effect.Effect<ReadonlyArray<Listed>, S3Failure> =>
    Effect.flatMap(
      send({
        method: "GET",
        query: { "list-type": "2", prefix, ...(token === undefined ? {} : { "continuation-token": token }) }
      }),
      ({ body }) => {
        const root = rootOf(new TextDecoder().decode(body))
        if (root?.name !== "ListBucketResult") {
          return unreadable
        }
        const found = childrenOf(root, "Contents").map((element) => ({
          key: textOf(element, "Key"),
          sizeBytes: Number(textOf(element, "Size")),
          modifiedMillis: Date.parse(textOf(element, "LastModified"))
        }))
        const next = textOf(root, "NextContinuationToken")
        return textOf(root, "IsTruncated") === "true" && next !== "" && next !== token
          ? Effect.map(list(prefix, next), (others) => [...found, ...others])
          : Effect.succeed(found)
      }
    )

  const partSizes = (
    key: string,
    upload: string,
    marker: string
  ): Effect.Effect<ReadonlyArray<readonly [number, number]>, S3Failure> =>
    Effect.flatMap(
      send({ method: "GET", key, query: { uploadId: upload, "part-number-marker": marker } }),
      ({ body }) => {
        const root = rootOf(new TextDecoder().decode(body))
        if (root?.name !== "ListPartsResult") {
          return unreadable
        }
        const found = childrenOf(root, "Part").map(
          (element) => [Number(textOf(element, "PartNumber")), Number(textOf(element, "Size"))] as const
        )
        const next = textOf(root, "NextPartNumberMarker")
        return textOf(root, "IsTruncated") === "true" && next !== "" && next !== marker
          ? Effect.map(partSizes(key, upload, next), (others) => [...found, ...others])
          : Effect.succeed(found)
      }
    )

  const unlessMissing = <A>(effect: Effect.Effect<A, S3Failure>): Effect.Effect<A | undefined, S3Failure> =>
    Effect.catchIf(
      effect,
      (failure) => failure.isMissing,
      () => Effect.succeed(undefined)
    )

  return {
    put: (key, body, creation) =>
      Effect.map(
        send({ method: "PUT", key, body, ...(creation === undefined ? {} : { headers: headersOf(creation) }) }),
        ({ headers }) => headers["etag"] ?? ""
      ),
    get: (key) => Effect.map(send({ method: "GET", key }), ({ body }) => body),
    read: (key) => stream({ method: "GET", key }),
    head: (key) => unlessMissing(Effect.map(send({ method: "HEAD", key }), ({ headers }) => headers)),
    remove: (key) => Effect.asVoid(unlessMissing(send({ method: "DELETE", key }))),
    list: (prefix) => list(prefix, undefined),
    createUpload: (key, creation) =>
      Effect.flatMap(
        send({ method: "POST", key, query: { uploads: "" }, headers: headersOf({ ...creation, ifAbsent: false }) }),
        ({ body }) => {
          const root = rootOf(new TextDecoder().decode(body))
          const id = root === undefined ? "" : textOf(root, "UploadId")
          return id === "" ? unreadable : Effect.succeed(id)
        }
      ),
    uploadPart: (key, upload, number, body) =>
      Effect.map(
        send({ method: "PUT", key, query: { partNumber: String(number), uploadId: upload }, body }),
        ({ headers }) => ({ number, etag: headers["etag"] ?? "" })
      ),
    copyPart: (key, upload, number, source) =>
      Effect.flatMap(
        send({
          method: "PUT",
          key,
          query: { partNumber: String(number), uploadId: upload },
          headers: {
            "x-amz-copy-source": `/${bucketName}/${encodeKey(source.key)}`,
            "x-amz-copy-source-if-match": source.etag
          }
        }),
        ({ body }) => {
          const root = rootOf(new TextDecoder().decode(body))
          const etag = root === undefined ? "" : textOf(root, "ETag")
          return etag === "" ? unreadable : Effect.succeed({ number, etag })
        }
      ),
    partSizes: (key, upload) => Effect.map(partSizes(key, upload, "0"), (sizes) => new Map(sizes)),
    completeUpload: (key, upload, parts, ifAbsent) =>
      Effect.asVoid(
        send({
          method: "POST",
          key,
          query: { uploadId: upload },
          headers: ifAbsent ? absent : {},
          body: new TextEncoder().encode(completion(parts))
        })
      ),
    abortUpload: (key, upload) =>
      Effect.asVoid(unlessMissing(send({ method: "DELETE", key, query: { uploadId: upload } })))
  }
}

const absent = { "if-none-match": "*" }

const headersOf = ({ ifAbsent, metadata }: Creation): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
  ...(ifAbsent ? absent : {})
})

const completion = (parts: ReadonlyArray<UploadedPart>): string =>
  `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts
    .map(({ etag, number }) => `<Part><PartNumber>${number}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`)
    .join("")}</CompleteMultipartUpload>`

const unreadable = Effect.fail(
  new S3Failure({ status: 501, code: "", detail: "the response of the storage could not be read" })
)
