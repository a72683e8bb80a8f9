/**
 * The input of a run: how much of it the run has taken, and how many items it has.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Host } from "../../Host.js"
import type { Options } from "../options.js"
import * as Urls from "./urls.js"

export class TakenInput {
  /** Whether the run has taken its whole input. */
  isOver = false
  private count = 0

  constructor(
    private readonly host: typeof Host.Service,
    /** Called with the number of items when the run has taken all. */
    private readonly onOver: (count: number) => void
  ) {}

  /** The same items, paused while standard output is full. */
  counting<A, E, R>(items: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> {
    const counted = Stream.mapChunks(items, (chunk) => {
      this.count += chunk.length
      return chunk
    })
    const end = Effect.sync(() => {
      this.isOver = true
      this.onOver(this.count)
    })
    return Stream.mapChunksEffect(Stream.concat(counted, Stream.execute(end)), (chunk) =>
      Effect.as(this.awaitRoom, chunk)
    )
  }

  private readonly awaitRoom: Effect.Effect<void> = Effect.suspend(() =>
    this.host.stdout.isFull() ? Effect.delay(this.awaitRoom, "20 millis") : Effect.void
  )
}

/** Counts the items of an input that can be read twice. An error is reported by the run itself. */
export const countItems = (urls: ReadonlyArray<string>, options: Options, onCount: (count: number) => void) =>
  Effect.scoped(
    Effect.flatMap(Urls.again(urls, options), (all) => Stream.runCount(Stream.take(all, countedAtMost + 1)))
  ).pipe(
    Effect.flatMap((count) => (count > countedAtMost ? Urls.countLines(urls, options) : Effect.succeed(count))),
    Effect.flatMap((count) => Effect.sync(() => (count === undefined ? undefined : onCount(count)))),
    Effect.ignore
  )

// Reading 10,000 items twice takes 2 % of the CPU time of small files. Lines are counted faster.
const countedAtMost = 1000
