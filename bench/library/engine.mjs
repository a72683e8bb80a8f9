// The whole engine by the library, for B8 and B9: LIST DIRECTORY CONNECTIONS 1 plain|bare|all|platform. Prints the CPU time of the
// run in microseconds, and with `all` each event.
//
// `plain`: the defaults. `bare`: each policy off as far as there is an option for it. `all`: retries, limits that are kept
// account of and never reached, the watch for stalls, a digest for each file (the list has it after the URL), events.
// `platform`: the defaults, over the `HttpClient` and the `FileSystem` of `@effect/platform-node`.
// Files are not synced with `plain` and `platform`, because the loop without Effect does not sync either.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Download, Downloader, Platform, Progress, RetryPolicy } from "halyard"
import * as Node from "halyard/Node"
import { job } from "../peers/list.mjs"

const policies = process.argv[6]

const beyondReach = 1e12

const options = {
  plain: {},
  platform: {},
  bare: {
    retry: RetryPolicy.none,
    adaptive: false,
    headersTimeout: "1 day",
    stall: { bytes: 1, within: "1 day" }
  },
  all: {
    retry: RetryPolicy.defaults,
    concurrency: job.connections,
    perOrigin: job.connections,
    adaptive: true,
    requestsPerSecond: beyondReach,
    requestsPerSecondPerOrigin: beyondReach,
    bytesPerSecond: beyondReach,
    bytesPerSecondPerOrigin: beyondReach,
    stall: { bytes: 1024, within: "10 seconds" }
  }
}

const requests = job.urls.map((line) => {
  const [url, digest] = line.split(" ")
  return Download.request({
    url,
    destination: job.destination(url),
    onExists: "overwrite",
    ...(policies === "all" ? { digest } : {})
  })
})

const events = Progress.layer((event) =>
  Effect.sync(() => {
    process.stdout.write(`${JSON.stringify({ event: event._tag, id: (event.request ?? event.outcome.request).id })}\n`)
  })
)

const run = Effect.flatMap(Downloader.Downloader, (downloader) =>
  downloader
    .run(Stream.fromIterable(requests), { concurrency: job.connections })
    .pipe(
      Stream.runForEach((outcome) =>
        outcome._tag === "Saved" ? Effect.void : Effect.dieMessage(JSON.stringify(outcome))
      )
    )
)

const program = Effect.gen(function* () {
  const begun = process.cpuUsage()
  yield* policies === "all" ? Effect.provide(run, events) : run
  const { user, system } = process.cpuUsage(begun)
  process.stdout.write(`${user + system}\n`)
})

const isSynced = policies === "all" || policies === "bare"

const settings = { durability: isSynced ? "full" : "rename", ...options[policies] }

const overPlatform = Effect.map(
  Effect.promise(() => import("@effect/platform-node")),
  ({ NodeFileSystem, NodeHttpClient, NodePath }) =>
    Layer.provide(
      Platform.layerWith(settings),
      Layer.mergeAll(NodeHttpClient.layerUndici, NodeFileSystem.layer, NodePath.layer)
    )
)

await Effect.runPromise(
  Effect.provide(program, policies === "platform" ? Layer.unwrapEffect(overPlatform) : Node.layerWith(settings))
)
