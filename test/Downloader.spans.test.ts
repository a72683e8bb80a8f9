/**
 * The span of a transfer.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as Download from "../src/Download.js"
import * as Downloader from "../src/Downloader.js"
import * as RetryPolicy from "../src/RetryPolicy.js"
import * as MemoryStore from "../src/Store/Memory.js"
import { autoAdvance, Origin } from "../src/testing.js"

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
              ended.push(`${attributes.get("id")} ${how}`)
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

  it.effect("fails or is interrupted with the transfer", () =>
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

  it.effect("fails or is interrupted with the transfer in a run, which continues", () =>
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
