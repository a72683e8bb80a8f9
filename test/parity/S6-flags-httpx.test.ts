/**
 * Row S6: the flags once more, with one client for all requests, a timeout of 5 s for each, redirects followed; gathered,
 * and each code printed as it completes.
 *
 * `AsyncClient()` around all → one `HttpClient` layer; `get(url, timeout=5, follow_redirects=True)` → `Downloader.download`;
 * `gather` → `Effect.forEach` with concurrency; `print(cc)` in between → `Progress`
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"
import * as Downloader from "../../src/Downloader.js"
import * as Flags from "../../src/Flags.js"
import * as Progress from "../../src/Progress.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as HttpClientTransport from "../../src/Transport/HttpClient.js"

/** The chapter's `supervisor`: gives the codes in the order in which they were handed in. */
const supervisor = (codes: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const downloader = yield* Downloader.Downloader
    const saved = yield* Effect.forEach(
      codes.slice().sort(),
      (code) =>
        downloader.download(
          Flags.request(code, { baseUrl: "http://origin/flags", directory: "downloads", timeout: "5 seconds" })
        ),
      { concurrency: "unbounded" }
    )
    return saved.map((outcome) => outcome.request.id)
  })

const world = <E, R>(client: Layer.Layer<HttpClient.HttpClient, E, R>) =>
  Downloader.layerWith({ retry: RetryPolicy.none }).pipe(
    Layer.provide(HttpClientTransport.layerWith({ crossOrigin: "same-client" })),
    Layer.provide(client),
    Layer.provideMerge(MemoryStore.layer)
  )

const flag = (request: HttpClientRequest.HttpClientRequest) =>
  HttpClientResponse.fromWeb(request, new Response(`GIF of ${request.url}`))

describe("S6: flags with httpx", () => {
  it.effect("makes one client for all 20 requests", () =>
    Effect.gen(function* () {
      const made = yield* Ref.make(0)
      const sent = yield* Ref.make(0)
      const add = (count: number) => count + 1
      const client = Layer.effect(
        HttpClient.HttpClient,
        Effect.as(
          Ref.update(made, add),
          HttpClient.make((request) => Effect.as(Ref.update(sent, add), flag(request)))
        )
      )
      const codes = yield* Effect.provide(supervisor(Flags.populous), world(client))
      assert.strictEqual(codes.length, 20)
      assert.strictEqual(yield* Ref.get(sent), 20)
      assert.strictEqual(yield* Ref.get(made), 1)
    })
  )

  it.effect("prints each code as it completes, and gathers the results in the order of the codes", () =>
    Effect.gen(function* () {
      const printed = yield* Queue.unbounded<string>()
      const secondsOf: ReadonlyMap<string, number> = new Map([
        ["br", 3],
        ["cn", 1],
        ["us", 2]
      ])
      const client = HttpClient.make((request, url) =>
        Effect.as(Effect.sleep(`${secondsOf.get(url.pathname.slice(-6, -4)) ?? 0} seconds`), flag(request))
      )
      const print = Progress.layer((event) =>
        event._tag === "Finished" ? Queue.offer(printed, event.outcome.request.id) : Effect.void
      )
      const fiber = yield* supervisor(["US", "CN", "BR"]).pipe(
        Effect.provide(world(Layer.succeed(HttpClient.HttpClient, client)).pipe(Layer.provide(print))),
        Effect.fork
      )
      for (const code of ["CN", "US", "BR"]) {
        assert.strictEqual(yield* Queue.size(printed), 0)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Queue.take(printed), code)
      }
      assert.deepStrictEqual(yield* Fiber.join(fiber), ["BR", "CN", "US"])
    })
  )

  it.effect("ends a request after 5 seconds with a typed error that names the phase, and saves nothing", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.flip(supervisor(["BR"])))
      yield* TestClock.adjust("4999 millis")
      assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)))
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* Fiber.join(fiber), {
        _tag: "Timeout",
        url: "http://origin/flags/br/br.gif",
        phase: "total",
        limitMillis: 5000,
        receivedBytes: 0
      })
      const memory = yield* MemoryStore.MemoryFiles
      assert.strictEqual((yield* memory.files).size, 0)
    }).pipe(
      Effect.provide(
        world(
          Layer.succeed(
            HttpClient.HttpClient,
            HttpClient.make(() => Effect.never)
          )
        )
      )
    )
  )

  it.effect("follows redirects, and saves the file under the requested name", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* supervisor(["BR"]), ["BR"])
      const memory = yield* MemoryStore.MemoryFiles
      const files = Array.from(yield* memory.files, ([name, bytes]) => [name, new TextDecoder().decode(bytes)])
      assert.deepStrictEqual(files, [["downloads/br.gif", "GIF of http://elsewhere/brazil"]])
    }).pipe(
      Effect.provide(
        world(
          Layer.succeed(
            HttpClient.HttpClient,
            HttpClient.make((request, url) =>
              Effect.succeed(
                url.host === "elsewhere"
                  ? flag(request)
                  : HttpClientResponse.fromWeb(
                      request,
                      new Response("moved", { status: 302, headers: { location: "http://elsewhere/brazil" } })
                    )
              )
            )
          )
        )
      )
    )
  )
})
