/**
 * The span of a transfer.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as Download from "../../src/Download.js"
import * as DownloadError from "../../src/DownloadError.js"
import * as Downloader from "../../src/Downloader.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as Store from "../../src/Store.js"
import { autoAdvance, Origin } from "../../src/testing.js"
import { lineOf, recordSpans } from "../support/recorded/recordedSpans.js"

const request = (id: string, destination = `/d/${id}`) =>
  Download.request({ id, url: `http://origin.test${destination}`, destination, onExists: "overwrite" })

const ports = (script: (request: Origin.Request) => Origin.Reply) =>
  Layer.merge(Origin.layer(script), MemoryStore.layer)

const download = (id: string, destination?: string) =>
  Effect.flatMap(Downloader.Downloader, ({ download }) => download(request(id, destination)))

describe("the span of a transfer", () => {
  /** A tracer that records how each span of a transfer ended. */
  const tracing = () => {
    const ended: Array<string> = []
    const tracer = Tracer.make({
      span: (name, parent, context, links, startTime, kind, options) => {
        const attributes = new Map(Object.entries(options?.attributes ?? {}))
        return {
          _tag: "Span",
          name,
          spanId: "0",
          traceId: "0",
          parent,
          context,
          links: [...links],
          kind,
          attributes,
          sampled: true,
          status: { _tag: "Started", startTime },
          attribute: (key, value) => void attributes.set(key, value),
          event: () => {},
          addLinks: () => {},
          end: (_, exit) => {
            if (name === "Downloader.transfer") {
              const how = Exit.match(exit, {
                onSuccess: () => "ok",
                onFailure: (cause) => (Exit.isInterrupted(exit) ? "interrupted" : `${cause._tag}`)
              })
              ended.push(`${attributes.get("halyard.id")} ${how}`)
            }
          }
        }
      },
      context: (execution) => execution()
    })
    return { ended, tracer }
  }

  const stack = Downloader.layerWith({ retry: RetryPolicy.none }).pipe(
    Layer.provideMerge(
      ports((asked) =>
        asked.url.endsWith("missing") ? { status: 404 } : Origin.file(asked, "body", { delay: "1 second" })
      )
    )
  )

  it.effect("has the failure or interruption of its transfer", () =>
    Effect.gen(function* () {
      const { ended, tracer } = tracing()
      const exits = yield* Effect.all(
        [download("saved"), download("missing"), Effect.timeout(download("cancelled"), "500 millis")].map(Effect.exit),
        { concurrency: 3 }
      ).pipe(Effect.withTracer(tracer), autoAdvance)
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, false])
      assert.sameMembers(ended, ["saved ok", "missing Fail", "cancelled interrupted"])
    }).pipe(Effect.provide(stack))
  )

  it.effect("has the failure of its transfer, while the run continues", () =>
    Effect.gen(function* () {
      const { ended, tracer } = tracing()
      const { run } = yield* Downloader.Downloader
      const outcomes = yield* Stream.runCollect(
        run(Stream.make(request("missing"), request("saved")), { concurrency: 1 })
      ).pipe(Effect.withTracer(tracer), autoAdvance)
      assert.deepStrictEqual(
        Array.from(outcomes, ({ _tag }) => _tag),
        ["Failed", "Saved"]
      )
      assert.deepStrictEqual(ended, ["missing Fail", "saved ok"])
    }).pipe(Effect.provide(stack))
  )
})

describe("a downloader", () => {
  const stack = (script: (request: Origin.Request) => Origin.Reply, options?: Downloader.Options) =>
    Downloader.layerWith(options ?? {}).pipe(Layer.provideMerge(ports(script)))

  it.effect("makes a span for each request, a child of the span of its transfer, which has the retries as events", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordSpans()
      yield* download("file").pipe(
        Effect.withSpan("host program"),
        Effect.withTracer(tracer),
        autoAdvance,
        Effect.provide(
          stack((asked) =>
            asked.url.includes("moved")
              ? Origin.file(asked, "body")
              : asked.turn === 0
                ? { status: 503 }
                : { status: 302, headers: { location: "/moved?token=secret" } }
          )
        )
      )
      assert.deepStrictEqual(spans.map(lineOf), [
        "host program in nothing: ok",
        "Downloader.transfer in host program: ok",
        "GET in Downloader.transfer: failed",
        "GET in Downloader.transfer: ok",
        "GET in Downloader.transfer: ok"
      ])
      const [, transfer, first, second, third] = spans
      const common = {
        "http.request.method": "GET",
        "server.address": "origin.test",
        "server.port": 80,
        "url.scheme": "http"
      }
      assert.deepStrictEqual(
        [first, second, third].map((span) => Object.fromEntries(span?.attributes ?? [])),
        [
          {
            ...common,
            "url.full": "http://origin.test/d/file",
            "http.response.status_code": 503,
            "error.type": "503"
          },
          {
            ...common,
            "url.full": "http://origin.test/d/file",
            "http.request.resend_count": 1,
            "http.response.status_code": 302
          },
          {
            ...common,
            "url.full": "http://origin.test/moved?token=…",
            "http.request.resend_count": 2,
            "http.response.status_code": 200
          }
        ]
      )
      assert.isTrue([first, second, third].every((span) => span?.kind === "client"))
      assert.deepInclude(Object.fromEntries(transfer?.attributes ?? []), {
        "halyard.outcome": "Saved",
        "halyard.attempts": 2,
        "halyard.bytes": 4
      })
      const [retry] = transfer?.events ?? []
      assert.strictEqual(retry?.name, "halyard.retry")
      assert.deepInclude(retry?.attributes, {
        "error.type": "503",
        "halyard.retry.attempt": 1,
        "halyard.retry.reason": "HTTP error 503 - Service Unavailable"
      })
      assert.isAbove(Number(retry?.attributes["halyard.retry.delay"]), 0)
    })
  )

  it.effect("ends the spans of the requests when their transfer is interrupted, inside the span of the run", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordSpans()
      yield* Effect.flatMap(Downloader.Downloader, ({ run }) =>
        Stream.runDrain(run(Stream.make(request("slow"), request("saved")), { concurrency: 2 }))
      ).pipe(
        Effect.timeoutOption("1 second"),
        Effect.withTracer(tracer),
        autoAdvance,
        Effect.provide(
          stack((asked) => Origin.file(asked, "body", asked.url.endsWith("slow") ? { delay: "1 hour" } : undefined))
        )
      )
      assert.sameMembers(spans.map(lineOf), [
        "Downloader.run in nothing: interrupted",
        "Downloader.transfer in Downloader.run: interrupted",
        "Downloader.transfer in Downloader.run: ok",
        "GET in Downloader.transfer: interrupted",
        "GET in Downloader.transfer: ok"
      ])
    })
  )

  it.effect("continues the trace of another caller when the first caller of the transfer is interrupted", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordSpans()
      yield* Effect.gen(function* () {
        const first = yield* Effect.fork(Effect.withSpan(download("file"), "first"))
        yield* Effect.sleep("10 millis")
        const second = yield* Effect.fork(Effect.withSpan(download("file"), "second"))
        yield* Effect.sleep("10 millis")
        yield* Fiber.interrupt(first)
        yield* Fiber.await(second)
      }).pipe(Effect.withTracer(tracer), autoAdvance)
      const other = spans.findIndex(({ parent }) => Option.isSome(parent) && parent.value.spanId === spans[3]?.spanId)
      assert.deepStrictEqual(spans.map(lineOf), [
        "first in nothing: interrupted",
        "Downloader.transfer in first: interrupted",
        "GET in Downloader.transfer: failed",
        "second in nothing: ok",
        "Downloader.transfer in second: ok",
        "GET in Downloader.transfer: ok"
      ])
      assert.strictEqual(other, 4)
      const [get] = spans.slice(-1)
      assert.strictEqual(get?.parent._tag === "Some" ? get.parent.value.spanId : undefined, spans[4]?.spanId)
      assert.deepStrictEqual(
        spans.map(({ events }) => events.length),
        [0, 0, 0, 0, 1, 0]
      )
    }).pipe(
      Effect.provide(
        stack((asked) => (asked.turn === 0 ? { status: 503, delay: "1 second" } : Origin.file(asked, "body")))
      )
    )
  )

  it.effect("marks the span of a run as failed if its input fails", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordSpans()
      const exit = yield* Effect.flatMap(Downloader.Downloader, ({ run }) =>
        Stream.runDrain(run(Stream.concat(Stream.make(request("saved")), Stream.fail("no more"))))
      ).pipe(
        Effect.exit,
        Effect.withTracer(tracer),
        autoAdvance,
        Effect.provide(stack((asked) => Origin.file(asked, "")))
      )
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual(spans.map(lineOf)[0], "Downloader.run in nothing: failed")
    })
  )

  it.effect("writes no directory of this machine into the errors and events of spans", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordSpans()
      const disk = (reason: "full" | "unavailable") =>
        new DownloadError.Disk({ path: "/home/ada/secret/report.html", reason, detail: "" })
      let turn = 0
      const store = Layer.map(MemoryStore.layer, (context) => {
        const memory = Context.get(context, Store.Store)
        return Context.make(Store.Store, {
          ...memory,
          open: () => Effect.suspend(() => Effect.fail(disk(turn++ === 0 ? "unavailable" : "full")))
        })
      })
      const error = yield* Effect.flip(download("report.html")).pipe(
        Effect.withTracer(tracer),
        autoAdvance,
        Effect.provide(
          Downloader.layerWith({}).pipe(
            Layer.provideMerge(
              Layer.merge(
                Origin.layer((asked) => Origin.file(asked, "body")),
                store
              )
            )
          )
        )
      )
      assert.include(error.message, "/home/ada/secret/")
      const causes = spans.flatMap(({ status }) =>
        status._tag === "Ended" && Exit.isFailure(status.exit) ? [Cause.pretty(status.exit.cause)] : []
      )
      const events = spans.flatMap((span) =>
        span.events.map(({ attributes }) => `${attributes["halyard.retry.reason"]}`)
      )
      assert.lengthOf(events, 1)
      assert.isAbove(causes.length, 0)
      for (const text of [...causes, ...events]) {
        assert.include(text, "report.html")
        assert.notInclude(text, "secret")
      }
    })
  )

  it.effect("makes spans for bytes and stream", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordSpans()
      const { bytes, stream } = yield* Downloader.Downloader
      const url = "http://origin.test/file"
      yield* Effect.zip(bytes({ url }), Stream.runDrain(stream({ url }))).pipe(
        Effect.withSpan("host program"),
        Effect.withTracer(tracer),
        autoAdvance
      )
      assert.deepStrictEqual(spans.map(lineOf), [
        "host program in nothing: ok",
        "Downloader.transfer in host program: ok",
        "GET in Downloader.transfer: ok",
        "Downloader.transfer in host program: ok",
        "GET in Downloader.transfer: ok"
      ])
    }).pipe(Effect.provide(stack((asked) => Origin.file(asked, "body"))))
  )

  it.effect("makes no spans if the calling program disables its tracer", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordSpans()
      yield* download("file").pipe(Effect.withTracerEnabled(false), Effect.withTracer(tracer), autoAdvance)
      assert.deepStrictEqual(spans, [])
    }).pipe(Effect.provide(stack((asked) => Origin.file(asked, "body"))))
  )
})

describe("a downloader with segments", () => {
  const content = new Uint8Array(8 * 1024 * 1024)
  // 2.5 MiB a second.
  const slow = { chunkBytes: 256 * 1024, chunkDelay: "90 millis", etag: '"1"' } as const
  const layer = Downloader.layerWith({ segments: 4 }).pipe(
    Layer.provideMerge(ports((asked) => Origin.file(asked, content, slow)))
  )

  /** The spans that are open, or have ended after the span of their transfer. */
  const outlasting = (spans: ReadonlyArray<Tracer.Span>): ReadonlyArray<string> => {
    const endOf = ({ status }: Tracer.Span) => (status._tag === "Ended" ? status.endTime : undefined)
    const transferEnd = spans.flatMap((span) => (span.name === "Downloader.transfer" ? (endOf(span) ?? []) : []))[0]
    return spans
      .filter((span) => transferEnd === undefined || (endOf(span) ?? transferEnd + 1n) > transferEnd)
      .map(lineOf)
  }

  it.effect("makes a span for each segment with its range, which counts as no repeated request", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordSpans()
      yield* autoAdvance(download("large")).pipe(Effect.withTracer(tracer))
      const requests = spans.filter(({ kind }) => kind === "client")
      assert.isAbove(requests.length, 3)
      assert.isTrue(requests.every(({ attributes }) => attributes.get("http.request.resend_count") === undefined))
      const [first, ...others] = requests.map(({ attributes }) => attributes.get("http.request.header.range"))
      assert.isUndefined(first)
      assert.isTrue(others.every((range) => /^bytes=\d+-\d+$/.test(`${range}`)))
      assert.isTrue(requests.every((span) => lineOf(span) === "GET in Downloader.transfer: ok"))
      assert.deepStrictEqual(outlasting(spans), [])
    }).pipe(Effect.provide(layer))
  )

  it.effect("ends the spans of the segments when the transfer is interrupted at any time", () =>
    Effect.forEach([50, 300, 500, 700, 900], (millis) =>
      Effect.gen(function* () {
        const { spans, tracer } = recordSpans()
        yield* download("large").pipe(Effect.timeoutOption(millis), autoAdvance, Effect.withTracer(tracer))
        assert.deepStrictEqual(outlasting(spans), [], `after ${millis} ms`)
        assert.isTrue(spans.some((span) => lineOf(span) === "GET in Downloader.transfer: interrupted"))
      }).pipe(Effect.provide(Layer.fresh(layer)))
    )
  )
})
