/**
 * Failures of an object storage.
 */
import { inspect } from "node:util"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Download from "../../../src/Download.js"
import type { Disk } from "../../../src/DownloadError.js"
import * as Downloader from "../../../src/Downloader.js"
import * as S3Store from "../../../src/Store/S3.js"
import { openScoped } from "../../../src/Store.js"
import { Origin } from "../../../src/testing.js"
import { recordSpans } from "../../support/recorded/recordedSpans.js"
import * as Programs from "../../support/servers/programs.js"
import { bucketAt, leftIn, publish, storeOf, textAt, write } from "../../support/storage/s3Bucket.js"
import { type S3Request, type ScriptedS3, scriptedS3 } from "../../support/storage/scriptedS3.js"

/** Three blocks. */
const large = "0123456789".repeat(150_000)

const slowDown = { status: 503, code: "SlowDown" }

const opened = (storage: ScriptedS3, options: Partial<S3Store.Options> = {}) =>
  Effect.flatMap(storeOf({ ...bucketAt(storage.endpoint, "prefix").options, ...options }), (store) =>
    openScoped(store, "file")
  )

/** Fails the first requests of one kind. */
const failing = (storage: ScriptedS3, isMeant: (request: S3Request) => boolean, times: number) => {
  let left = times
  storage.behave = (request) => (isMeant(request) && left-- > 0 ? slowDown : "answer")
}

describe("failures of an object storage", () => {
  it.scopedLive("repeats a request that is refused with 503 twice, and then fails with the reason unavailable", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      for (const [times, sent] of [
        [2, 3],
        [3, 3]
      ] as const) {
        storage.requests.length = 0
        failing(storage, ({ key }) => key === "prefix/file", times)
        const part = yield* opened(storage)
        yield* write(part, "content")
        const result = yield* Effect.either(publish(part))
        assert.strictEqual(result._tag, times === 2 ? "Right" : "Left")
        assert.deepInclude(
          result._tag === "Left" ? result.left : {},
          times === 2 ? {} : { reason: "unavailable", detail: "the storage answered 503 SlowDown" }
        )
        assert.strictEqual(storage.requests.filter(({ key }) => key === "prefix/file").length, sent)
      }
    })
  )

  it.scopedLive("goes on after a block could not be uploaded for a while", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const part = yield* opened(storage)
      failing(storage, ({ operation }) => operation === "put", Number.POSITIVE_INFINITY)
      // The first blocks are uploaded beside the writes. A later write says that this has failed.
      const failed = yield* Effect.flip(
        Effect.forEach([0, 1, 2, 3, 4, 5, 6], (index) => write(part, large, index * large.length), { discard: true })
      )
      assert.strictEqual(failed.reason, "unavailable")
      storage.behave = () => "answer"
      for (const index of [0, 1, 2]) {
        yield* write(part, large, index * large.length)
      }
      assert.strictEqual(yield* publish(part), "file")
      const found = textAt(storage, "prefix/file") ?? ""
      assert.isTrue(found.startsWith(large.repeat(3)))
      assert.deepStrictEqual(leftIn(storage), [])
    })
  )

  for (const operation of ["createUpload", "copyPart", "completeUpload", "put"]) {
    it.scopedLive(`publishes when it is asked again, if ${operation} was refused before`, () =>
      Effect.gen(function* () {
        const storage = yield* scriptedS3
        const part = yield* opened(storage)
        yield* write(part, large)
        failing(storage, (request) => request.operation === operation, 20)
        let attempts = 0
        while ((yield* Effect.either(publish(part)))._tag === "Left") {
          attempts++
          assert.strictEqual(textAt(storage, "prefix/file"), undefined)
          assert.strictEqual(storage.uploads.size, 0)
        }
        assert.isAbove(attempts, 0)
        assert.strictEqual(textAt(storage, "prefix/file"), large)
        assert.deepStrictEqual(leftIn(storage), [])
      })
    )

    it.scopedLive(`leaves nothing if ${operation} is always refused`, () =>
      Effect.gen(function* () {
        const storage = yield* scriptedS3
        const part = yield* opened(storage)
        yield* Effect.ignore(write(part, large))
        failing(storage, (request) => request.operation === operation, Number.POSITIVE_INFINITY)
        assert.strictEqual((yield* Effect.flip(publish(part))).reason, "unavailable")
        yield* part.close("discard")
        assert.strictEqual(textAt(storage, "prefix/file"), undefined)
        assert.deepStrictEqual(leftIn(storage), [])
      })
    )
  }

  for (const operation of ["copyPart", "completeUpload"]) {
    it.scopedLive(`makes another multipart upload if the storage has forgotten the first one at ${operation}`, () =>
      Effect.gen(function* () {
        const storage = yield* scriptedS3
        const part = yield* opened(storage)
        yield* write(part, large)
        let expired = 0
        storage.behave = (request) => {
          if (request.operation === operation && expired++ === 0) {
            storage.uploads.clear()
          }
          return "answer"
        }
        assert.deepInclude(yield* Effect.flip(publish(part)), {
          reason: "unavailable",
          detail: "the multipart upload was aborted or has expired"
        })
        assert.strictEqual(yield* publish(part), "file")
        assert.strictEqual(textAt(storage, "prefix/file"), large)
        assert.deepStrictEqual(leftIn(storage), [])
      })
    )
  }

  it.scopedLive("sends a block again if other bytes have arrived", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      let damaged = 0
      const client = Layer.effect(
        HttpClient.HttpClient,
        Effect.map(
          HttpClient.HttpClient,
          HttpClient.mapRequest((request) =>
            request.method === "PUT" &&
            request.body._tag === "Uint8Array" &&
            request.body.body.length > 0 &&
            damaged++ % 3 < 2
              ? HttpClientRequest.setBody(
                  request,
                  HttpBody.uint8Array(request.body.body.map((byte, index) => (index === 5 ? byte ^ 1 : byte)))
                )
              : request
          )
        )
      ).pipe(Layer.provide(NodeHttpClient.layerUndici))
      const store = yield* storeOf(bucketAt(storage.endpoint, "prefix").options, client)
      for (const text of ["small file", large]) {
        const part = yield* openScoped(store, "file")
        yield* write(part, text)
        while ((yield* Effect.either(publish(part)))._tag === "Left") {}
        assert.strictEqual(textAt(storage, "prefix/file"), text)
      }
      assert.isAbove(damaged, 6)
    })
  )

  it.scopedLive("publishes nothing if the storage has not copied all bytes", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      storage.copied = (body) => body.subarray(1)
      const part = yield* opened(storage)
      yield* write(part, large)
      assert.deepInclude(yield* Effect.flip(publish(part)), {
        reason: "other",
        detail: "the storage has not copied all bytes of a part"
      })
      assert.strictEqual(textAt(storage, "prefix/file"), undefined)
      yield* part.close("discard")
      assert.deepStrictEqual(leftIn(storage), [])
    })
  )

  it.scopedLive("sends the blocks itself if the storage cannot copy them", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      storage.behave = ({ operation }) =>
        operation === "copyPart" ? { status: 501, code: "NotImplemented" } : "answer"
      const part = yield* opened(storage)
      yield* write(part, large)
      yield* publish(part)
      assert.strictEqual(textAt(storage, "prefix/file"), large)
    })
  )

  it.scopedLive("fails with the reason and no credentials", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      for (const [status, code, reason, detail] of [
        [403, "AccessDenied", "permission", "the credentials do not allow this (AccessDenied)"],
        [403, "InvalidAccessKeyId", "permission", "the storage does not know the access key (InvalidAccessKeyId)"],
        [400, "ExpiredToken", "permission", "the session token has expired (ExpiredToken)"],
        [404, "NoSuchBucket", "missing", "there is no such bucket (NoSuchBucket)"],
        [507, "InsufficientStorage", "full", "the storage answered 507 InsufficientStorage"],
        [400, "EntityTooLarge", "full", "the object is larger than the storage allows (EntityTooLarge)"],
        [400, "InvalidArgument", "other", "the storage answered 400 InvalidArgument"]
      ] as const) {
        storage.behave = () => ({ status, code })
        const credentials = {
          accessKeyId: "key-of-the-test",
          secretAccessKey: Redacted.make("secret-of-the-test"),
          sessionToken: Redacted.make("token-of-the-test")
        }
        const part = yield* opened(storage, { credentials })
        yield* write(part, "content")
        const error = yield* Effect.flip(publish(part))
        assert.deepInclude(error, { reason, detail })
        assert.notMatch(`${error} ${JSON.stringify(error)} ${inspect(error, { depth: 9 })}`, /-of-the-test|secret-of/)
      }
    })
  )

  it.scopedLive("has no spans with the headers of its requests", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const { spans, tracer } = recordSpans()
      yield* Effect.gen(function* () {
        const part = yield* opened(storage)
        yield* write(part, large)
        yield* publish(part)
        const store = yield* storeOf(bucketAt(storage.endpoint, "prefix").options)
        yield* Stream.runDrain(store.read("file"))
      }).pipe(Effect.withSpan("outer"), Effect.withTracer(tracer))
      assert.deepStrictEqual(
        spans.map(({ name }) => name),
        ["outer"]
      )
    })
  )

  it.scopedLive("says that the storage cannot be reached, without the request", () =>
    Effect.gen(function* () {
      const store = yield* storeOf({ ...bucketAt("http://127.0.0.1:9", "prefix").options })
      const error = yield* Effect.flip(store.prepare("directory"))
      assert.deepInclude(error, { reason: "unavailable", detail: "the storage could not be reached: ECONNREFUSED" })
      assert.notInclude(inspect(error, { depth: 9 }), "testing")
    })
  )

  it.scopedLive("fails if the storage does not answer in time", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      storage.behave = () => "hold"
      const store = yield* storeOf({ ...bucketAt(storage.endpoint, "prefix").options, timeout: "20 millis" })
      assert.deepInclude(yield* Effect.flip(store.stat("file")), {
        reason: "unavailable",
        detail: "the storage did not answer within 20ms"
      })
    })
  )

  it.scopedLive("is asked again by a downloader, which does not request the content again", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      failing(storage, ({ key, operation }) => key === "prefix/a" && operation === "put", 4)
      const layer = Downloader.layerWith({ retry: { retries: 3 } }).pipe(
        Layer.provideMerge(
          Layer.mergeAll(
            Origin.layer((asked) => Origin.file(asked, "0123456789", { etag: '"1"' })),
            S3Store.layer(bucketAt(storage.endpoint, "prefix").options).pipe(Layer.provide(NodeHttpClient.layerUndici))
          )
        )
      )
      yield* Effect.gen(function* () {
        const downloader = yield* Downloader.Downloader
        const outcome = yield* downloader.download(Download.request({ url: "http://origin.test/a", destination: "a" }))
        assert.deepInclude(outcome, { _tag: "Saved", bytes: 10 })
        assert.strictEqual((yield* Origin.Origin).requests().length, 1)
      }).pipe(Effect.provide(layer))
      assert.strictEqual(textAt(storage, "prefix/a"), "0123456789")
    })
  )

  // In another bucket, not below the prefix, no key, and of an unfinished file.
  const urls = ["other/prefix/a", "bucket/a", "bucket/prefix/../a", "bucket/prefix/", "bucket/prefix/.halyard/x"].map(
    (path) => `s3://${path}`
  )

  it.scopedLive("refuses destinations that are no keys, and those of unfinished files", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const store = yield* storeOf(bucketAt(storage.endpoint, "prefix").options)
      for (const destination of [
        "../file",
        "a/./b",
        "a/..",
        "",
        "/",
        "a/",
        ".halyard/records/x",
        "./.halyard/x",
        ...urls
      ]) {
        const refusals: ReadonlyArray<Effect.Effect<unknown, Disk>> = [
          store.open(destination, { resume: undefined }),
          store.stat(destination),
          Stream.runDrain(store.read(destination))
        ]
        for (const refusal of refusals) {
          assert.strictEqual((yield* Effect.flip(refusal)).reason, "other", destination)
        }
      }
      const part = yield* openScoped(store, "file")
      yield* write(part, "content")
      const error = yield* Effect.flip(part.publish({ onExists: "overwrite", durability: "full", name: ".." }))
      assert.strictEqual(error.reason, "other")
      assert.strictEqual(storage.objects.size, 0)
    })
  )

  it.effect("refuses options that cannot be used", () =>
    Effect.gen(function* () {
      const { options } = bucketAt("http://127.0.0.1:9", "prefix")
      for (const [option, wrong] of [
        ["bucket", { bucket: "a/b" }],
        ["credentials", { credentials: { accessKeyId: "secret\n", secretAccessKey: Redacted.make("s") } }],
        ["credentials", { credentials: { ...options.credentials, sessionToken: Redacted.make("secret\r") } }],
        ["region", { region: "eu west" }],
        ["endpoint", { endpoint: "storage.example" }],
        ["endpoint", { endpoint: "https://user:secret@storage.example" }],
        ["prefix", { prefix: "a/../b" }],
        ["blockBytes", { blockBytes: 0 }],
        ["memoryBytes", { memoryBytes: Number.NaN }],
        ["concurrency", { concurrency: 1.5 }],
        ["timeout", { timeout: 0 }]
      ] as const) {
        const error = yield* Effect.flip(S3Store.make({ ...options, ...wrong }))
        assert.strictEqual(error.option, option)
        assert.notInclude(inspect(error), "secret")
      }
    }).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layerUndici))
  )

  Programs.withPrograms(["swift-proxy-server"], "fails over Swift with wrong credentials and without a bucket", () =>
    Effect.gen(function* () {
      const { url } = yield* Programs.swift
      const { options } = bucketAt(url, "prefix")
      const problemOf = (changed: Partial<S3Store.Options>) =>
        Effect.flatMap(storeOf({ ...options, ...changed }), (store) => Effect.flip(store.prepare("directory")))
      const withKeys = (accessKeyId: string, secret: string) => ({
        credentials: { accessKeyId, secretAccessKey: Redacted.make(secret) }
      })
      assert.deepInclude(yield* problemOf({}), { reason: "missing" })
      assert.deepInclude(yield* problemOf(withKeys("test:tester", "wrong-secret")), {
        reason: "permission",
        detail: "the secret access key is wrong (SignatureDoesNotMatch)"
      })
      const unknown = yield* problemOf(withKeys("test:nobody", "wrong-secret"))
      assert.strictEqual(unknown.reason, "permission")
      assert.notMatch(inspect(unknown, { depth: 9 }), /nobody|wrong-secret/)
    })
  )
})
