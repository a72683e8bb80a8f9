import { assert, it } from "@effect/vitest"
import { Effect, Either, Layer, Logger, Metric, Redacted } from "effect"
import { Download, Downloader, Metrics } from "halyard"
import { autoAdvance, layer, Origin } from "halyard/testing"
import { statement } from "./examples/cookies.js"
import { withPassword } from "./examples/credentials.js"
import { named, requestOf } from "./examples/naming.js"
import * as Network from "./examples/network.js"
import { table } from "./examples/post.js"
import * as Responses from "./examples/responses.js"
import * as Telemetry from "./examples/telemetry.js"
import { update } from "./examples/update.js"
import { lineOf, recordSpans } from "./support/recorded/recordedSpans.js"

const download = (request: Download.DownloadRequest) =>
  Effect.flatMap(Downloader.Downloader, (downloader) => autoAdvance(downloader.download(request)))

it("names a file by a template", () => {
  const { destination } = Either.getOrThrow(requestOf("https://files.example/a/report.pdf", 2))
  assert.strictEqual(destination, "inbox/files.example-002-report.pdf")
})

it.effect("lets the server name the file", () =>
  Effect.gen(function* () {
    const saved = yield* download(named("https://files.example/download?id=1"))
    assert.deepInclude(saved, { _tag: "Saved", destination: "inbox/report.pdf", serverName: "report.pdf" })
  }).pipe(
    Effect.provide(
      layer((request) =>
        Origin.file(request, "the report", {
          headers: { "content-disposition": 'attachment; filename="report.pdf"' }
        })
      )
    )
  )
)

it.effect("logs each response without secrets", () => {
  const lines: Array<unknown> = []
  const request = Download.request({ url: "https://files.example/report.pdf?token=secret", destination: "report.pdf" })
  return Effect.gen(function* () {
    yield* download(request)
    assert.strictEqual(lines.length, 1)
    const text = JSON.stringify(lines)
    assert.include(text, '"status":200')
    assert.include(text, "https://files.example/report.pdf?token=…")
    assert.notInclude(text, "secret")
  }).pipe(
    Effect.provide(
      Layer.mergeAll(
        Layer.provideMerge(
          Responses.layer,
          layer((one) => Origin.file(one, "the report"))
        ),
        Logger.replace(
          Logger.defaultLogger,
          Logger.make(({ message }) => lines.push(message))
        )
      )
    )
  )
})

it.effect("sends a password", () =>
  Effect.gen(function* () {
    yield* download(withPassword("https://files.example/a.zip", Redacted.make("secret")))
    const [request] = (yield* Origin.Origin).requests()
    assert.strictEqual(request?.headers["authorization"], `Basic ${btoa("ada:secret")}`)
  }).pipe(Effect.provide(layer((request) => Origin.file(request, "the archive"))))
)

it.effect("sends the cookies of the log-in", () =>
  Effect.gen(function* () {
    yield* autoAdvance(statement)
    const [login, file] = (yield* Origin.Origin).requests()
    assert.strictEqual(login?.method, "POST")
    assert.strictEqual(file?.headers["cookie"], "session=1")
  }).pipe(
    Effect.provide(
      layer((request) =>
        request.turn === 0
          ? { headers: { "set-cookie": "session=1; Secure", "content-length": "0" } }
          : Origin.file(request, "the statement")
      )
    )
  )
)

it.effect("sends a body", () =>
  Effect.gen(function* () {
    yield* download(table)
    const [request] = (yield* Origin.Origin).requests()
    assert.deepInclude(request, { method: "POST" })
    assert.strictEqual(new TextDecoder().decode(request?.body), '{"year":2026}')
  }).pipe(Effect.provide(layer((request) => Origin.file(request, "a,b"))))
)

it.scoped("says which certificates cannot be read", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Layer.build(Network.layer))
    assert.deepInclude(error, { _tag: "InvalidTls", option: "cacert" })
  })
)

it.effect("sends no request for a file that has not changed", () =>
  Effect.gen(function* () {
    const url = "https://files.example/report.pdf"
    assert.deepInclude(yield* autoAdvance(update(url, "report.pdf")), { _tag: "Saved" })
    assert.deepInclude(yield* autoAdvance(update(url, "report.pdf")), { _tag: "Skipped", reason: "recorded" })
    assert.lengthOf((yield* Origin.Origin).requests(), 1)
  }).pipe(Effect.provide(layer((request) => Origin.file(request, "the report"))))
)

it.effect("has spans below those of the program, and metrics", () =>
  Effect.gen(function* () {
    const { spans, tracer } = recordSpans()
    const names = ["a", "b"]
    const requests = names.map((name) =>
      Download.request({ id: name, url: `https://api.example/${name}`, destination: name })
    )
    yield* autoAdvance(Telemetry.nightlyImport(requests)).pipe(
      Effect.withTracer(tracer),
      Effect.provide(
        Layer.provideMerge(
          Telemetry.layer,
          layer((request) => Origin.file(request, "content"))
        )
      )
    )
    assert.sameMembers(spans.map(lineOf), [
      "nightly import in nothing: ok",
      "Downloader.run in nightly import: ok",
      ...names.flatMap(() => ["Downloader.transfer in Downloader.run: ok", "GET in Downloader.transfer: ok"])
    ])
    const received = Metrics.received({ "server.address": "api.example", "server.port": "443" })
    assert.strictEqual((yield* Metric.value(received)).count, 14)
  })
)
