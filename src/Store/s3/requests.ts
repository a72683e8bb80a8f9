/**
 * Signs requests to one bucket with AWS Signature Version 4, and sends them with the `HttpClient` of the host program.
 *
 * Each signature covers the SHA-256 of the body, so the storage refuses other bytes than those that were sent.
 *
 * @internal
 */
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { AwsV4Signer } from "aws4fetch"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Printable from "../../internal/text/printable.js"
import { S3Failure } from "./failure.js"
import { errorCodeIn } from "./xml.js"

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: Redacted.Redacted
  readonly sessionToken?: Redacted.Redacted | undefined
}

export interface Settings {
  /** The URL of the bucket, without a slash at the end. */
  readonly bucketUrl: string
  readonly region: string
  readonly credentials: Credentials
  /** Maximum time for one request. */
  readonly timeout: Duration.Duration
  /** How often a request is sent again after a failure that may pass. */
  readonly retries: number
}

export interface Call {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE"
  /** The key of an object. Undefined: the bucket. */
  readonly key?: string | undefined
  readonly query?: Readonly<Record<string, string>> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: Uint8Array | undefined
}

export interface Answer {
  readonly headers: Headers.Headers
  readonly body: Uint8Array
}

export interface Requests {
  /** Sends a request, and reads the body of the response. Repeats it after a failure that may pass. */
  readonly send: (call: Call) => Effect.Effect<Answer, S3Failure>
  /** Sends a request, and reads the body as it arrives. */
  readonly stream: (call: Call) => Stream.Stream<Uint8Array, S3Failure>
}

export const make = (http: HttpClient.HttpClient, settings: Settings): Requests => {
  // The span of the client would have the session token.
  const client = HttpClient.withTracerDisabledWhen(http, () => true)
  const { timeout } = settings
  // The derived signing key, which is the same for a day.
  const signingKeys = new Map<string, ArrayBuffer>()

  const limited = <A>(effect: Effect.Effect<A, S3Failure>): Effect.Effect<A, S3Failure> =>
    Effect.timeoutFail(effect, { duration: timeout, onTimeout: () => silent(timeout) })

  const respond = (call: Call): Effect.Effect<HttpClientResponse.HttpClientResponse, S3Failure> =>
    Effect.flatMap(signed(settings, signingKeys, call), (request) =>
      Effect.mapError(client.execute(request), noResponse)
    )

  const once = Effect.fnUntraced(function* (call: Call) {
    const response = yield* respond(call)
    const body =
      call.method === "HEAD" ? empty : new Uint8Array(yield* Effect.mapError(response.arrayBuffer, noResponse))
    const { headers, status } = response
    // A document of an error is short. A long whole response is a part of an object.
    const code = body.length > 0 && body.length < longestErrorBytes ? errorCodeIn(new TextDecoder().decode(body)) : ""
    const isError = status >= 300 || (code !== "" && call.method !== "GET")
    if (!isError) {
      return { headers, body } satisfies Answer
    }
    // The status 200 with an error in the body stands for a failure of the server.
    return yield* new S3Failure({ status: status < 300 ? 500 : status, code, detail: "" })
  })

  return {
    send: (call) =>
      limited(once(call)).pipe(
        Effect.retry({
          while: ({ mayPass }) => mayPass,
          times: settings.retries,
          schedule: Schedule.jittered(Schedule.exponential("100 millis"))
        })
      ),
    stream: (call) =>
      Stream.unwrap(
        Effect.map(
          Effect.flatMap(limited(respond(call)), (response) =>
            response.status < 300
              ? Effect.succeed(response)
              : Effect.flatMap(
                  limited(Effect.mapError(response.text, noResponse)),
                  (text) => new S3Failure({ status: response.status, code: errorCodeIn(text), detail: "" })
                )
          ),
          (response) =>
            response.stream.pipe(
              Stream.mapError(noResponse),
              Stream.timeoutFail(() => silent(timeout), timeout)
            )
        )
      )
  }
}

const empty = new Uint8Array(0)

const longestErrorBytes = 64 * 1024

const silent = (timeout: Duration.Duration): S3Failure =>
  new S3Failure({
    status: undefined,
    code: "",
    detail: `the storage did not answer within ${Duration.format(timeout)}`
  })

/** The error of a client has the request with its signature, so only its reason and the innermost message are used. */
const noResponse = (error: unknown): S3Failure => {
  const reason = innermost(error)
  return new S3Failure({
    status: undefined,
    code: "",
    detail: `the storage could not be reached${reason === "" ? "" : `: ${Printable.excerpt(reason)}`}`
  })
}

// Only codes of the operating system and of the client, such as ECONNREFUSED.
const innermost = (error: unknown, depth = 0): string => {
  if (typeof error !== "object" || error === null || depth > 8) {
    return ""
  }
  const inner = "cause" in error ? innermost(error.cause, depth + 1) : ""
  return inner === "" && "code" in error && typeof error.code === "string" ? error.code : inner
}

const signed = Effect.fnUntraced(function* (
  settings: Settings,
  cache: Map<string, ArrayBuffer>,
  { body, headers, key, method, query }: Call
) {
  const { accessKeyId, secretAccessKey, sessionToken } = settings.credentials
  const parameters = Object.entries(query ?? {}).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  const path = key === undefined ? "" : `/${encodeKey(key)}`
  const url = `${settings.bucketUrl}${path}${parameters.length === 0 ? "" : `?${parameters.join("&")}`}`
  const now = yield* Clock.currentTimeMillis
  const signer = new AwsV4Signer({
    method,
    url,
    headers: { ...headers, "x-amz-content-sha256": yield* sha256Hex(body ?? empty) },
    accessKeyId,
    secretAccessKey: Redacted.value(secretAccessKey),
    ...(sessionToken === undefined ? {} : { sessionToken: Redacted.value(sessionToken) }),
    cache,
    region: settings.region,
    service: "s3",
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, "")
  })
  const { headers: signedHeaders } = yield* Effect.promise(() => signer.sign())
  const request = HttpClientRequest.make(method)(url).pipe(
    HttpClientRequest.setHeaders(Headers.fromInput(Array.from(signedHeaders)))
  )
  return body === undefined ? request : HttpClientRequest.bodyUint8Array(request, body)
})

/** Uses the function of the platform, which does not block: a block of 8 MiB takes 5 to 100 ms. */
const sha256Hex = (bytes: Uint8Array): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => crypto.subtle.digest("SHA-256", bytes.slice())),
    (digest) => Encoding.encodeHex(new Uint8Array(digest))
  )

/** Encodes a key for a URL. Slashes stay. */
export const encodeKey = (key: string): string =>
  encodeURIComponent(key)
    .replace(/%2F/g, "/")
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
