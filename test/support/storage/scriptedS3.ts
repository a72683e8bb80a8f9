/**
 * An object storage in memory with conditional writes, whose requests a test can answer, hold and lose.
 *
 * It checks the SHA-256 of bodies, and no signatures. Its clock is that of the test.
 */
import { createHash, randomUUID } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { listening } from "../servers/loopback.js"

export interface S3Request {
  readonly method: string
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage["headers"]
  readonly body: Buffer
  /** What it does, such as `copyPart`. */
  readonly operation: string
}

/**
 * How a request is answered: as a storage does, with an error, after a call of `release`, or as a storage does but with the
 * connection closed before the response.
 */
export type Behaviour = "answer" | { readonly status: number; readonly code: string } | "hold" | "lose"

export interface ScriptedS3 {
  readonly endpoint: string
  readonly objects: Map<
    string,
    {
      readonly body: Buffer
      readonly etag: string
      readonly modifiedMillis: number
      readonly metadata: Record<string, string>
    }
  >
  readonly uploads: Map<
    string,
    { readonly key: string; readonly metadata: Record<string, string>; readonly parts: Map<number, Buffer> }
  >
  /** All requests so far. */
  readonly requests: Array<S3Request>
  /** Chooses how a request is answered. */
  behave: (request: S3Request) => Behaviour
  /** Changes the content of a copied part. */
  copied: (body: Buffer) => Buffer
  nowMillis: () => number
  /** Answers the requests that are held and that were not given up. */
  release: () => void
}

const operationOf = (
  method: string,
  key: string,
  query: URLSearchParams,
  headers: IncomingMessage["headers"]
): string => {
  if (key === "") {
    return query.has("uploads") ? "listUploads" : method === "GET" ? "list" : "createBucket"
  }
  if (query.has("uploads")) {
    return "createUpload"
  }
  if (query.has("uploadId")) {
    const names: Readonly<Record<string, string>> = { POST: "completeUpload", DELETE: "abortUpload", GET: "listParts" }
    return names[method] ?? (headers["x-amz-copy-source"] === undefined ? "uploadPart" : "copyPart")
  }
  return { PUT: "put", GET: "get", HEAD: "head", DELETE: "delete" }[method] ?? method
}

const etagOf = (body: Buffer) => `"${createHash("md5").update(body).digest("hex")}"`

const element = (name: string, text: string | number) =>
  `<${name}>${String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;")}</${name}>`

export const scriptedS3: Effect.Effect<ScriptedS3, never, Scope.Scope> = Effect.gen(function* () {
  const held: Array<() => void> = []
  const made: Omit<ScriptedS3, "endpoint"> = {
    objects: new Map(),
    uploads: new Map(),
    requests: [],
    behave: () => "answer",
    copied: (body) => body,
    nowMillis: () => Date.now(),
    release: () => {
      for (const answer of held.splice(0)) {
        answer()
      }
    }
  }
  const { objects, uploads } = made
  const state: Omit<ScriptedS3, "endpoint"> & { endpoint: string } = Object.assign(made, { endpoint: "" })

  const metadataIn = (headers: IncomingMessage["headers"]) =>
    Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) =>
        name.startsWith("x-amz-meta-") ? [[name, String(value)]] : []
      )
    )

  const save = (key: string, body: Buffer, etag: string, metadata: Record<string, string>) =>
    objects.set(key, { body, etag, modifiedMillis: state.nowMillis(), metadata })

  type Reply = { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string | Buffer }

  const error = (status: number, code: string): Reply => ({
    status,
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${element("Code", code)}${element("Message", "secret-of-the-storage")}</Error>`
  })

  const perform = ({ body, headers, key, method, operation, query }: S3Request): Reply => {
    const hash = headers["x-amz-content-sha256"]
    if (hash !== createHash("sha256").update(body).digest("hex")) {
      return error(400, "XAmzContentSHA256Mismatch")
    }
    const found = objects.get(key)
    const upload = uploads.get(query.get("uploadId") ?? "")
    const isRefused = headers["if-none-match"] === "*" && found !== undefined
    switch (operation) {
      case "put":
        if (isRefused) {
          return error(412, "PreconditionFailed")
        }
        save(key, body, etagOf(body), metadataIn(headers))
        return { status: 200, headers: { etag: etagOf(body) } }
      case "get":
      case "head":
        return found === undefined
          ? error(404, "NoSuchKey")
          : {
              status: 200,
              headers: {
                etag: found.etag,
                "last-modified": new Date(found.modifiedMillis).toUTCString(),
                "content-length": String(found.body.length),
                ...found.metadata
              },
              ...(method === "HEAD" ? {} : { body: found.body })
            }
      case "delete":
        objects.delete(key)
        return { status: 204 }
      case "list": {
        const keys = [...objects.keys()].filter((one) => one.startsWith(query.get("prefix") ?? "")).sort()
        const from = Number(query.get("continuation-token") ?? 0)
        const page = keys.slice(from, from + 3)
        const isTruncated = from + 3 < keys.length
        return {
          status: 200,
          body: `<ListBucketResult>${page
            .map((one) => {
              const { body: content, modifiedMillis } = objects.get(one) ?? { body: Buffer.of(), modifiedMillis: 0 }
              return `<Contents>${element("Key", one)}${element("Size", content.length)}${element("LastModified", new Date(modifiedMillis).toISOString())}</Contents>`
            })
            .join(
              ""
            )}${element("IsTruncated", String(isTruncated))}${isTruncated ? element("NextContinuationToken", from + 3) : ""}</ListBucketResult>`
        }
      }
      case "createUpload": {
        const id = randomUUID()
        uploads.set(id, { key, metadata: metadataIn(headers), parts: new Map() })
        return {
          status: 200,
          body: `<InitiateMultipartUploadResult>${element("UploadId", id)}</InitiateMultipartUploadResult>`
        }
      }
      case "listUploads":
        return {
          status: 200,
          body: `<ListMultipartUploadsResult>${[...uploads]
            .map(([id, { key: one }]) => `<Upload>${element("Key", one)}${element("UploadId", id)}</Upload>`)
            .join("")}</ListMultipartUploadsResult>`
        }
      default:
        break
    }
    if (upload === undefined) {
      return error(404, "NoSuchUpload")
    }
    const number = Number(query.get("partNumber"))
    switch (operation) {
      case "uploadPart":
        upload.parts.set(number, body)
        return { status: 200, headers: { etag: etagOf(body) } }
      case "copyPart": {
        const source = objects.get(decodeURIComponent(String(headers["x-amz-copy-source"])).replace(/^\/bucket\//, ""))
        if (source === undefined) {
          return error(404, "NoSuchKey")
        }
        if (headers["x-amz-copy-source-if-match"] !== source.etag) {
          return error(412, "PreconditionFailed")
        }
        const copy = state.copied(source.body)
        upload.parts.set(number, copy)
        return { status: 200, body: `<CopyPartResult>${element("ETag", etagOf(copy))}</CopyPartResult>` }
      }
      case "listParts":
        return {
          status: 200,
          body: `<ListPartsResult>${[...upload.parts]
            .map(([one, content]) => `<Part>${element("PartNumber", one)}${element("Size", content.length)}</Part>`)
            .join("")}<IsTruncated>false</IsTruncated></ListPartsResult>`
        }
      case "abortUpload":
        uploads.delete(query.get("uploadId") ?? "")
        return { status: 204 }
      default: {
        if (isRefused) {
          return error(412, "PreconditionFailed")
        }
        const numbers = Array.from(body.toString().matchAll(/<PartNumber>(\d+)</g), ([, one]) => Number(one))
        save(
          key,
          Buffer.concat(numbers.map((one) => upload.parts.get(one) ?? Buffer.of())),
          `"many-${numbers.length}"`,
          upload.metadata
        )
        uploads.delete(query.get("uploadId") ?? "")
        return {
          status: 200,
          body: `<CompleteMultipartUploadResult>${element("Key", key)}</CompleteMultipartUploadResult>`
        }
      }
    }
  }

  const respond = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("error", () => {})
    request.on("end", () => {
      const { pathname, searchParams: query } = new URL(request.url ?? "/", "http://storage.test")
      const [, , ...segments] = pathname.split("/")
      const key = decodeURIComponent(segments.join("/"))
      const { headers, method = "" } = request
      const asked = {
        method,
        key,
        query,
        headers,
        body: Buffer.concat(chunks),
        operation: operationOf(method, key, query, headers)
      }
      made.requests.push(asked)
      const behaviour = state.behave(asked)
      const answer = (): void => {
        if (response.destroyed) {
          return
        }
        const reply = typeof behaviour === "object" ? error(behaviour.status, behaviour.code) : perform(asked)
        if (behaviour === "lose") {
          response.destroy()
          return
        }
        response.writeHead(reply.status, { date: new Date(state.nowMillis()).toUTCString(), ...reply.headers })
        response.end(method === "HEAD" ? undefined : reply.body)
      }
      if (behaviour === "hold") {
        held.push(answer)
      } else {
        answer()
      }
    })
  }

  const server = createServer(respond)
  const { url } = yield* listening(server)
  state.endpoint = url
  return state
})
