/**
 * Looks into a bucket without the code under test.
 */
import { createHash } from "node:crypto"
import { AwsV4Signer } from "aws4fetch"
import * as Effect from "effect/Effect"

export interface S3Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface S3Client {
  readonly createBucket: Effect.Effect<void>
  readonly put: (key: string, content: string | Uint8Array) => Effect.Effect<void>
  /** Undefined if there is no such object. */
  readonly get: (key: string) => Effect.Effect<Uint8Array | undefined>
  readonly remove: (key: string) => Effect.Effect<void>
  readonly keys: (prefix: string) => Effect.Effect<ReadonlyArray<string>>
  /** The keys of multipart uploads that are neither completed nor aborted, and their ids. */
  readonly uploads: (prefix: string) => Effect.Effect<ReadonlyArray<readonly [string, string]>>
  readonly abort: (key: string, upload: string) => Effect.Effect<void>
}

export const s3Client = (endpoint: string, bucket: string, keys: S3Keys): S3Client => {
  const send = (method: string, path: string, body?: string | Uint8Array) =>
    Effect.promise(async () => {
      const content = body === undefined ? undefined : Buffer.from(body)
      const { headers, url } = await new AwsV4Signer({
        method,
        url: `${endpoint}/${bucket}${path}`,
        headers: {
          "x-amz-content-sha256": createHash("sha256")
            .update(content ?? "")
            .digest("hex")
        },
        ...keys,
        region: "us-east-1",
        service: "s3"
      }).sign()
      const response = await fetch(url, { method, headers, body: content ?? null })
      const bytes = new Uint8Array(await response.arrayBuffer())
      if (response.status >= 300 && response.status !== 404) {
        throw new Error(`${method} ${path}: ${response.status} ${new TextDecoder().decode(bytes)}`)
      }
      return { bytes, status: response.status }
    })

  const keyPath = (key: string) => `/${encodeURIComponent(key).replaceAll("%2F", "/")}`

  const texts = (xml: Uint8Array, name: string) =>
    Array.from(
      new TextDecoder().decode(xml).matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g")),
      ([, text]) => text ?? ""
    )

  return {
    createBucket: Effect.asVoid(send("PUT", "")),
    put: (key, content) => Effect.asVoid(send("PUT", keyPath(key), content)),
    get: (key) => Effect.map(send("GET", keyPath(key)), ({ bytes, status }) => (status === 404 ? undefined : bytes)),
    remove: (key) => Effect.asVoid(send("DELETE", keyPath(key))),
    keys: (prefix) =>
      Effect.map(send("GET", `?list-type=2&prefix=${encodeURIComponent(prefix)}`), ({ bytes }) => texts(bytes, "Key")),
    uploads: (prefix) =>
      Effect.map(send("GET", `?prefix=${encodeURIComponent(prefix)}&uploads=`), ({ bytes }) => {
        const ids = texts(bytes, "UploadId")
        return texts(bytes, "Key").map((key, index) => [key, ids[index] ?? ""] as const)
      }),
    abort: (key, upload) => Effect.asVoid(send("DELETE", `${keyPath(key)}?uploadId=${encodeURIComponent(upload)}`))
  }
}
