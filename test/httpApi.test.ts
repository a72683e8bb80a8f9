/**
 * What an `HttpApi` over a downloader reveals to its clients.
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as OpenApi from "@effect/platform/OpenApi"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Download from "../src/Download.js"
import * as DownloadError from "../src/DownloadError.js"
import * as DownloadEvent from "../src/DownloadEvent.js"
import * as Downloader from "../src/Downloader.js"
import * as RetryPolicy from "../src/RetryPolicy.js"
import * as Origin from "../src/testing/Origin.js"
import { layer } from "../src/testing.js"

const secret = "s3cr3t"

const group = HttpApiGroup.make("downloads")
  .add(
    HttpApiEndpoint.post("one", "/one")
      .setPayload(Download.DownloadRequest)
      .addSuccess(Schema.Union(Download.Saved, Download.Skipped, Download.NotModified))
      .addError(DownloadError.DownloadError)
  )
  .add(
    HttpApiEndpoint.post("many", "/many")
      .setPayload(Schema.Array(Download.DownloadRequestWithSecrets))
      .addSuccess(Schema.Array(Download.DownloadOutcome))
  )
  .add(HttpApiEndpoint.get("events", "/events").addSuccess(Schema.Array(DownloadEvent.DownloadEvent)))

const Api = HttpApi.make("api").add(group)

const handlers = HttpApiBuilder.group(Api, "downloads", (on) =>
  on
    .handle("one", ({ payload }) => Effect.flatMap(Downloader.Downloader, ({ download }) => download(payload)))
    .handle("many", ({ payload }) =>
      Effect.flatMap(Downloader.Downloader, ({ run }) =>
        Effect.map(Stream.runCollect(run(Stream.fromIterable(payload))), (outcomes) => Array.from(outcomes))
      )
    )
    .handle("events", () =>
      Effect.succeed([
        new DownloadEvent.Started({
          atMillis: 0,
          request: Download.request({ url: `http://files.test/a?sig=${secret}`, destination: "/srv/a" })
        })
      ])
    )
)

const world = layer((request) => (request.url.includes("gone") ? { status: 404 } : Origin.file(request, "content")), {
  retry: RetryPolicy.none
})

/** The server, and what the test looks at, on one world. */
const service = Layer.unwrapScoped(
  Effect.map(Layer.build(world), (context) =>
    HttpApiBuilder.serve().pipe(
      Layer.provide(HttpApiBuilder.api(Api)),
      Layer.provide(handlers),
      Layer.provideMerge(Layer.succeedContext(context)),
      Layer.provideMerge(NodeHttpServer.layerTest)
    )
  )
)

const post = (path: string, body: unknown) =>
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    const response = yield* client.execute(HttpClientRequest.post(path).pipe(HttpClientRequest.bodyUnsafeJson(body)))
    const text = yield* response.text
    return { status: response.status, text, json: JSON.parse(text) as unknown }
  })

const asked = {
  url: `https://user:${secret}@files.test/a.gif?sig=${secret}&${secret}#${secret}`,
  destination: "/srv/private/a.gif",
  headers: { authorization: `Bearer ${secret}` }
}

describe("an HttpApi over a downloader", () => {
  it.scopedLive("takes a request as JSON, and answers without its secrets and without a path of the server", () =>
    Effect.gen(function* () {
      const saved = yield* post("/one", asked)
      assert.strictEqual(saved.status, 200)
      assert.deepInclude(saved.json, { _tag: "Saved", destination: "a.gif", bytes: 7 })
      // The request itself had everything.
      const [sent] = (yield* Origin.Origin).requests()
      assert.include(sent?.url, `sig=${secret}`)
      assert.strictEqual(sent?.headers["authorization"], `Basic ${btoa(`user:${secret}`)}`)

      const there = yield* post("/one", asked)
      assert.strictEqual(there.status, 409)
      assert.deepStrictEqual(there.json, { _tag: "Disk", path: "a.gif", reason: "exists", detail: "" })

      const gone = yield* post("/one", {
        ...asked,
        url: `${asked.url.split("#")[0]}&gone=1`,
        destination: "/srv/private/b"
      })
      assert.strictEqual(gone.status, 502)
      assert.deepInclude(gone.json, { _tag: "HttpStatus", status: 404 })

      const many = yield* post("/many", [{ ...asked, destination: "/srv/private/c.gif" }, asked])
      assert.strictEqual(many.status, 200)

      const events = yield* Effect.flatMap(HttpClient.HttpClient, (client) => client.get("/events"))
      for (const text of [saved.text, there.text, gone.text, many.text, yield* events.text]) {
        assert.notInclude(text, secret)
        assert.notInclude(text, "srv")
      }
    }).pipe(Effect.provide(service))
  )

  it.scopedLive("refuses a request that cannot be carried out, and says which field is wrong", () =>
    Effect.gen(function* () {
      for (const [field, value] of [
        ["url", "ftp://files.test/a"],
        ["destination", ""],
        ["sizeBytes", -1],
        ["headers", { a: `${secret}\r\nb: c` }]
      ] as const) {
        const refused = yield* post("/one", { ...asked, [field]: value })
        assert.strictEqual(refused.status, 400, field)
        assert.deepNestedInclude(refused.json, { _tag: "HttpApiDecodeError", "issues[0].path[0]": field })
        assert.notInclude(refused.text, secret)
      }
      assert.lengthOf((yield* Origin.Origin).requests(), 0)
    }).pipe(Effect.provide(service))
  )

  it("has valid names in its OpenAPI document, and a status for a file that exists", () => {
    const { components, paths } = OpenApi.fromApi(Api)
    const names = Object.keys(components.schemas)
    assert.includeMembers(names, ["halyard.DownloadOutcome.Saved", "halyard.DownloadError.Disk"])
    for (const name of names) {
      assert.match(name, /^[A-Za-z0-9._-]+$/)
    }
    assert.includeMembers(Object.keys(paths["/one"]?.post?.responses ?? {}), ["200", "400", "409", "502", "504", "507"])
  })
})
