/**
 * What every backend of a port keeps to, as functions of a layer: for those who write one of their own.
 *
 * Each gives cases, to be run as tests by whatever runs tests; a case fails with a `ContractBroken` that says what was
 * expected. Cases are run one by one, each with a fresh layer.
 *
 * @since 0.2.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Download from "../Download.js"
import type { Disk } from "../DownloadError.js"
import * as DownloadError from "../DownloadError.js"
import { Advanced, type DownloadEvent, Finished, Retrying, Started } from "../DownloadEvent.js"
import * as Journal from "../Journal.js"
import { Progress } from "../Progress.js"
import { type Part, Store, write } from "../Store.js"
import { Transport } from "../Transport.js"

/**
 * One test.
 *
 * @category models
 * @since 0.2.0
 */
export interface Case {
  readonly title: string
  readonly check: Effect.Effect<void, unknown>
}

/**
 * A backend does not keep to its contract.
 *
 * @category errors
 * @since 0.2.0
 */
export class ContractBroken extends Data.TaggedError("ContractBroken")<{
  readonly expected: string
  readonly actual: unknown
}> {
  override get message(): string {
    return `expected ${this.expected}, and got ${String(this.actual)}`
  }
}

const expect = (isSo: boolean, expected: string, actual?: unknown): Effect.Effect<void, ContractBroken> =>
  isSo ? Effect.void : new ContractBroken({ expected, actual })

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/**
 * A store to be looked at from behind, with one destination that is in nobody's way.
 *
 * @category models
 * @since 0.2.0
 */
export interface StoreProbe {
  readonly layer: Layer.Layer<Store>
  readonly destination: string
  /** What stands under the destination, or undefined. */
  readonly read: Effect.Effect<string | undefined>
  /** How many parts there are. */
  readonly parts: Effect.Effect<number>
}

/**
 * The contract of `Store`. `probe` is run for each case.
 *
 * @category contracts
 * @since 0.2.0
 */
export const store = (probe: Effect.Effect<StoreProbe, never, Scope.Scope>): ReadonlyArray<Case> => {
  type Body = (probe: StoreProbe, store: typeof Store.Service) => Effect.Effect<void, unknown, Scope.Scope>
  const at = (title: string, body: Body): Case => ({
    title,
    check: Effect.scoped(
      Effect.flatMap(probe, (made) =>
        Effect.provide(
          Effect.flatMap(Store, (store) => body(made, store)),
          made.layer
        )
      )
    )
  })
  type OnExists = "overwrite" | "skip" | "fail"
  const publish = (part: Part, onExists: OnExists) => part.publish({ onExists, durability: "full" })
  const put = (store: typeof Store.Service, destination: string, text: string, onExists: OnExists = "overwrite") =>
    Effect.scoped(
      Effect.flatMap(store.open(destination), (part) =>
        Effect.zipRight(write(part, encode(text)), publish(part, onExists))
      )
    )
  const holds = (probe: StoreProbe, text: string | undefined) =>
    Effect.flatMap(probe.read, (found) => expect(found === text, `${text} under the destination`, found))
  const hasParts = (probe: StoreProbe, count: number) =>
    Effect.flatMap(probe.parts, (found) => expect(found === count, `${count} parts`, found))

  const discards = (how: string, end: Effect.Effect<void, string>): Case =>
    at(`discards a part that was not published, on ${how}`, (probe, store) =>
      Effect.gen(function* () {
        yield* put(store, probe.destination, "old")
        yield* Effect.exit(
          Effect.scoped(
            Effect.gen(function* () {
              const part = yield* store.open(probe.destination)
              yield* write(part, encode("new"))
              yield* hasParts(probe, 1)
              yield* end
            })
          )
        )
        yield* hasParts(probe, 0)
        yield* holds(probe, "old")
      })
    )

  return [
    at("publishes what was written, whole and in order", (probe, store) =>
      Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const part = yield* store.open(probe.destination)
            yield* expect(part.sizeBytes() === 0, "an empty part", part.sizeBytes())
            yield* write(part, encode("first, "))
            yield* write(part, encode("second"))
            yield* expect(part.sizeBytes() === 13, "a part of 13 bytes", part.sizeBytes())
            yield* holds(probe, undefined)
            const published = yield* publish(part, "overwrite")
            yield* expect(published === "Published", "Published", published)
          })
        )
        yield* holds(probe, "first, second")
        yield* hasParts(probe, 0)
        yield* expect(yield* store.exists(probe.destination), "that it exists")
      })
    ),
    at("publishes with either durability", (probe, store) =>
      Effect.gen(function* () {
        for (const durability of ["rename", "full"] as const) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const part = yield* store.open(probe.destination)
              yield* write(part, encode(durability))
              yield* part.publish({ onExists: "overwrite", durability })
            })
          )
          yield* holds(probe, durability)
        }
      })
    ),
    at("publishes an empty file", (probe, store) =>
      Effect.gen(function* () {
        yield* Effect.scoped(Effect.flatMap(store.open(probe.destination), (part) => publish(part, "fail")))
        yield* holds(probe, "")
      })
    ),
    at("starts a part over", (probe, store) =>
      Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const part = yield* store.open(probe.destination)
            yield* write(part, encode("something long"))
            yield* part.restart
            yield* expect(part.sizeBytes() === 0, "an empty part", part.sizeBytes())
            yield* write(part, encode("short"))
            yield* publish(part, "overwrite")
          })
        )
        yield* holds(probe, "short")
      })
    ),
    at("keeps a chunk's bytes although its memory is used again", (probe, store) =>
      Effect.gen(function* () {
        const chunk = encode("before")
        yield* Effect.scoped(
          Effect.gen(function* () {
            const part = yield* store.open(probe.destination)
            yield* write(part, chunk)
            chunk.fill(0)
            yield* publish(part, "overwrite")
          })
        )
        yield* holds(probe, "before")
      })
    ),
    discards("success", Effect.void),
    discards("failure", Effect.fail("broken")),
    discards("interruption", Effect.interrupt),
    at("replaces with overwrite, keeps with skip, and refuses with fail", (probe, store) =>
      Effect.gen(function* () {
        yield* put(store, probe.destination, "old")
        const skipped = yield* put(store, probe.destination, "skipped", "skip")
        yield* expect(skipped === "Skipped", "Skipped", skipped)
        yield* holds(probe, "old")
        const error: Disk = yield* Effect.flip(put(store, probe.destination, "refused", "fail"))
        yield* expect(error.reason === "exists", "exists", error.reason)
        yield* holds(probe, "old")
        yield* put(store, probe.destination, "new", "overwrite")
        yield* holds(probe, "new")
        yield* hasParts(probe, 0)
      })
    ),
    at("lets exactly one of many publish with fail", (probe, store) =>
      Effect.gen(function* () {
        const names = Array.from({ length: 8 }, (_, index) => `writer ${index}`)
        const exits = yield* Effect.forEach(names, (name) => Effect.exit(put(store, probe.destination, name, "fail")), {
          concurrency: "unbounded"
        })
        const count = exits.filter(Exit.isSuccess).length
        yield* expect(count === 1, "one who publishes", count)
        const found = yield* probe.read
        yield* expect(found !== undefined && names.includes(found), "the whole of one", found)
        yield* hasParts(probe, 0)
      })
    ),
    at("has published the whole or nothing, whenever it is interrupted", (probe, store) =>
      Effect.forEach(
        Array.from({ length: 12 }, (_, index) => index),
        (steps) =>
          Effect.gen(function* () {
            const text = `content ${steps}`
            const before = yield* probe.read
            const fiber = yield* Effect.fork(put(store, probe.destination, text))
            yield* Effect.forEach(Array.from({ length: steps }), () => Effect.yieldNow(), { discard: true })
            yield* Fiber.interrupt(fiber)
            yield* hasParts(probe, 0)
            const found = yield* probe.read
            yield* expect(found === before || found === text, "all or nothing", found)
          }),
        { discard: true }
      )
    )
  ]
}

/**
 * A transport and an origin that it can reach. The origin answers
 *
 * - `/hello` with 200 and `hello world` in two chunks or more, some milliseconds apart, its length announced, and the
 *   value of the request's header `x-asked` in a header `x-answer`,
 * - `/missing` with 404 and a body of some bytes,
 * - `/moved` with 302 and `Location: /hello`,
 * - `/cut` with 200, a length of 10, four bytes, and the end of the connection,
 * - `/silent` with 200, a length of 10, four bytes, and nothing more.
 *
 * @category models
 * @since 0.2.0
 */
export interface TransportProbe {
  readonly layer: Layer.Layer<Transport>
  /** Without a slash at its end. */
  readonly baseUrl: string
  /** One where nobody listens. */
  readonly closedUrl: string
  /** How many connections the origin has with a response under way; fewer after a moment of waiting is enough. */
  readonly busy: Effect.Effect<number>
}

/**
 * The contract of `Transport`. `probe` is run for each case.
 *
 * @category contracts
 * @since 0.2.0
 */
export const transport = (probe: Effect.Effect<TransportProbe, never, Scope.Scope>): ReadonlyArray<Case> => {
  type Body = (
    probe: TransportProbe,
    open: (path: string) => ReturnType<typeof Transport.Service.open>
  ) => Effect.Effect<void, unknown, Scope.Scope>
  const at = (title: string, body: Body): Case => ({
    title,
    check: Effect.scoped(
      Effect.flatMap(probe, (made) =>
        Effect.provide(
          Effect.flatMap(Transport, ({ open }) =>
            body(made, (path) =>
              open({
                url: path.startsWith("/") ? made.baseUrl + path : path,
                headers: { "accept-encoding": "identity", "x-asked": "something" }
              })
            )
          ),
          made.layer
        )
      )
    )
  })
  const collect = (response: Effect.Effect.Success<ReturnType<typeof Transport.Service.open>>) =>
    Effect.suspend(() => {
      let text = ""
      const decoder = new TextDecoder()
      return Effect.map(
        response.drive((chunk) => {
          text += decoder.decode(chunk, { stream: true })
          return true
        }),
        (how) => ({ how, text })
      )
    })
  const isIdle = (probe: TransportProbe) =>
    Effect.repeat(Effect.zipRight(Effect.sleep("5 millis"), probe.busy), {
      until: (count) => count === 0,
      times: 400
    }).pipe(Effect.flatMap((count) => expect(count === 0, "no connection that is busy", count)))

  return [
    at("gives the status, the headers by lower-case name, and the whole body", (_, open) =>
      Effect.gen(function* () {
        const response = yield* open("/hello")
        yield* expect(response.status === 200, "200", response.status)
        yield* expect(response.headers["x-answer"] === "something", "the header", response.headers["x-answer"])
        yield* expect(response.headers["content-length"] === "11", "11", response.headers["content-length"])
        const { how, text } = yield* collect(response)
        yield* expect(how === "Ended" && text === "hello world", "hello world", text)
      })
    ),
    at("pauses when it is told to, and goes on from there", (_, open) =>
      Effect.gen(function* () {
        const response = yield* open("/hello")
        const chunks: Array<string> = []
        const take = response.drive((chunk) => {
          chunks.push(new TextDecoder().decode(chunk))
          return false
        })
        yield* Effect.repeat(take, { until: (how) => how === "Ended", times: 20 })
        yield* expect(chunks.join("") === "hello world", "hello world", chunks.join(""))
        yield* expect(chunks.length > 1, "more than one chunk", chunks.length)
      })
    ),
    at("gives every status, and follows no redirect", (_, open) =>
      Effect.gen(function* () {
        const missing = yield* open("/missing")
        yield* expect(missing.status === 404, "404", missing.status)
        yield* collect(missing)
        const moved = yield* open("/moved")
        yield* expect(moved.status === 302, "302", moved.status)
        const location = moved.headers["location"]
        yield* expect(location?.endsWith("/hello") === true, "/hello", location)
      })
    ),
    at("fails with Truncated where the body is cut short, after what came", (_, open) =>
      Effect.gen(function* () {
        const response = yield* open("/cut")
        const error = yield* Effect.flip(collect(response))
        yield* expect(error._tag === "Truncated", "Truncated", error._tag)
      })
    ),
    at("fails with Connection where nobody listens", (probe, open) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(open(probe.closedUrl))
        yield* expect(error._tag === "Connection", "Connection", error._tag)
      })
    ),
    at("gives the connection up with its scope, and when it is interrupted", (probe, open) =>
      Effect.gen(function* () {
        yield* Effect.scoped(open("/silent"))
        yield* isIdle(probe)
        const fiber = yield* Effect.fork(Effect.scoped(Effect.flatMap(open("/silent"), collect)))
        yield* Effect.repeat(Effect.zipRight(Effect.sleep("5 millis"), probe.busy), {
          until: (count) => count > 0,
          times: 400
        })
        yield* Fiber.interrupt(fiber)
        yield* isIdle(probe)
      })
    )
  ]
}

const someRequest = Download.request({ id: "a", url: "http://origin.test/a?token=s3cret", destination: "a" })

const someEvents: ReadonlyArray<DownloadEvent> = [
  new Started({ request: someRequest }),
  new Advanced({ request: someRequest, bytes: 1, totalBytes: undefined }),
  new Retrying({
    request: someRequest,
    error: new DownloadError.HttpStatus({ url: "http://origin.test/a", status: 503 }),
    attempt: 1,
    delayMillis: 500
  }),
  new Finished({ outcome: new Download.Saved({ request: someRequest, bytes: 1, verified: true, attempts: 2 }) })
]

/**
 * The contract of `Progress`: it takes every event, one after the other or at the same time, and neither fails nor waits
 * for good.
 *
 * @category contracts
 * @since 0.2.0
 */
export const progress = (layer: Layer.Layer<Progress>): ReadonlyArray<Case> => [
  {
    title: "takes every kind of event",
    check: Effect.provide(
      Effect.flatMap(Progress, ({ event }) => Effect.forEach(someEvents, event, { discard: true })),
      Layer.fresh(layer)
    )
  },
  {
    title: "takes events of many transfers at a time",
    check: Effect.provide(
      Effect.flatMap(Progress, ({ event }) =>
        Effect.forEach(Array.from({ length: 50 }), () => Effect.forEach(someEvents, event, { discard: true }), {
          concurrency: "unbounded",
          discard: true
        })
      ),
      Layer.fresh(layer)
    )
  }
]

/**
 * The contract of `Journal`. `lives` gives a layer; built again, it stands for a later run over the same memory.
 *
 * @category contracts
 * @since 0.2.0
 */
export const journal = <E>(
  lives: Effect.Effect<Layer.Layer<Journal.Journal, E>, never, Scope.Scope>,
  options: { readonly outlivesTheLayer: boolean }
): ReadonlyArray<Case> => {
  const entry = (destination: string, outcome: Journal.Entry["outcome"], bytes?: number) =>
    new Journal.Entry({
      id: destination,
      url: `http://origin.test/${destination}`,
      destination,
      outcome,
      atMillis: 1,
      ...(bytes === undefined ? {} : { bytes })
    })
  const isSame = Schema.equivalence(Journal.Entry)
  const lastIs = (destination: string, expected: Journal.Entry | undefined) =>
    Effect.flatMap(
      Effect.flatMap(Journal.Journal, ({ last }) => last(destination)),
      (found) =>
        expect(
          found === undefined || expected === undefined ? found === expected : isSame(found, expected),
          `${expected?.outcome} for ${destination}`,
          found?.outcome
        )
    )
  const record = (one: Journal.Entry) => Effect.flatMap(Journal.Journal, (journal) => journal.record(one))
  const cases: ReadonlyArray<Case> = [
    {
      title: "remembers the last entry for a destination, and nothing of others",
      check: Effect.scoped(
        Effect.flatMap(lives, (life) =>
          Effect.provide(
            Effect.gen(function* () {
              yield* lastIs("a", undefined)
              yield* record(entry("a", "Failed"))
              yield* record(entry("a", "Saved", 3))
              yield* record(entry("b", "Cancelled"))
              yield* lastIs("a", entry("a", "Saved", 3))
              yield* lastIs("b", entry("b", "Cancelled"))
              yield* lastIs("c", undefined)
            }),
            Layer.fresh(life)
          )
        )
      )
    },
    {
      title: "keeps every one of many entries that come at a time",
      check: Effect.scoped(
        Effect.flatMap(lives, (life) =>
          Effect.provide(
            Effect.gen(function* () {
              const names = Array.from({ length: 50 }, (_, index) => `file ${index}\n"`)
              yield* Effect.forEach(names, (name) => record(entry(name, "Saved", 1)), {
                concurrency: "unbounded",
                discard: true
              })
              yield* Effect.forEach(names, (name) => lastIs(name, entry(name, "Saved", 1)), { discard: true })
            }),
            Layer.fresh(life)
          )
        )
      )
    }
  ]
  const later: Case = {
    title: "remembers in a later run",
    check: Effect.scoped(
      Effect.gen(function* () {
        const life = yield* lives
        yield* Effect.provide(record(entry("a", "Saved", 3)), Layer.fresh(life))
        yield* Effect.provide(lastIs("a", entry("a", "Saved", 3)), Layer.fresh(life))
      })
    )
  }
  return options.outlivesTheLayer ? [...cases, later] : cases
}
