/**
 * Carries out one shard: counts the attempt, runs it, and stores its result. Ends when the row of the shard has its result.
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { decode } from "../../Download/storedRequests.js"
import type { DownloadRequest } from "../../Download.js"
import * as Download from "../../Download.js"
import { displayText } from "../../internal/text/displayUrl.js"
import { randomName } from "../manifest.js"
import { FailedRequest } from "../models.js"
import type { Attempt, Beginning, ShardEnd, ShardRows } from "../rows/rows.js"
import type { ShardRun } from "../ShardRun.js"
import { countsOf, remaining } from "../sums.js"
import type { Cancellation } from "./cancellation.js"
import { type Outbox, persistently } from "./outbox.js"

/** What all shards of a process use. */
export interface Dependencies {
  readonly rows: typeof ShardRows.Service
  readonly shardRun: typeof ShardRun.Service
  readonly cancellation: Cancellation
  readonly outbox: Outbox
  /** The shards of this process at a time, and as many permits. */
  readonly shardsAtOnce: number
  readonly semaphore: Effect.Semaphore
  /** The name of this process in the rows. */
  readonly runner: string
  /** Whether the process is about to end. No attempt begins any more. */
  readonly isStopping: () => boolean
}

/** Carries out one shard. Never fails: the row of the shard has the failures. */
export const download = (dependencies: Dependencies, batch: string, shard: number): Effect.Effect<void> =>
  dependencies.cancellation.watch(batch, (cancelled) =>
    Effect.iterate(again, {
      while: (next) => next !== "ended",
      body: (next) => attemptOnce(dependencies, batch, shard, cancelled, next === "alone")
    })
  )

/** What follows an attempt: nothing, another one, or one without other shards in this process. */
type Next = "ended" | "again" | "alone"

const again: Next = "again"

/** Begins an attempt when a permit is free or the batch is cancelled. */
const attemptOnce = (
  dependencies: Dependencies,
  batch: string,
  shard: number,
  cancelled: Effect.Effect<void>,
  isAlone: boolean
): Effect.Effect<Next> =>
  Effect.suspend(() => {
    let isPermitted = false
    const { isStopping, semaphore, shardsAtOnce } = dependencies
    const attempt: Effect.Effect<Next> = Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(begin(dependencies, batch, shard, isAlone, restore), (beginning): Effect.Effect<Next> => {
        switch (beginning._tag) {
          case "Ended":
            return Effect.succeed("ended")
          case "Alone":
            return Effect.succeed("alone")
          case "Begun":
            return Effect.map(run(dependencies, batch, shard, beginning, cancelled, restore), (hasEnded) =>
              hasEnded ? "ended" : "again"
            )
        }
      })
    )
    // A process that stops waits for all permits, so a shard that does not begin keeps none while it waits for the end.
    const permitted = semaphore.withPermits(isAlone ? shardsAtOnce : 1)(
      Effect.suspend(() => {
        isPermitted = true
        return isStopping() ? Effect.succeed(Effect.never) : Effect.map(attempt, Effect.succeed)
      })
    )
    // If the batch is cancelled before there is a permit, the beginning of an attempt ends the shard, and needs no permit.
    const unpermitted = Effect.flatMap(cancelled, () => (isPermitted ? Effect.never : attempt))
    return Effect.raceFirst(Effect.flatten(permitted), unpermitted)
  })

type Begun = Extract<Beginning, { readonly _tag: "Begun" }>

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Begins an attempt. If the wait for the database is interrupted, the attempt may have begun, and is taken back. */
const begin = (
  { outbox, rows, runner }: Dependencies,
  batch: string,
  shard: number,
  isAlone: boolean,
  restore: Restore
): Effect.Effect<Beginning> =>
  Effect.gen(function* () {
    const nowMillis = yield* Clock.currentTimeMillis
    const claim = `${runner} ${yield* randomName}`
    const begun = restore(persistently(rows.begin(batch, shard, claim, isAlone, nowMillis)))
    return yield* Effect.onInterrupt(begun, () => soon(outbox(rows.revoke(batch, shard, claim))))
  })

/** Waits for a write while its shard is being interrupted. The time limit ends the wait, and not the write. */
const soon = (written: Effect.Effect<void>): Effect.Effect<void> =>
  // This fiber is interrupted already, and the time limit interrupts a fiber of its own.
  Effect.ignore(Effect.timeout(Effect.interruptible(written), releaseTimeout))

/** Returns whether the shard has ended. */
const run = (
  { outbox, rows, shardRun }: Dependencies,
  batch: string,
  shard: number,
  begun: Begun,
  cancelled: Effect.Effect<void>,
  restore: Restore
): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    const attempt: Attempt = { batch, shard, attempt: begun.attempt }
    const tally = new Tally(begun)
    const outcomes = Effect.flatMap(
      Effect.suspend(() => decode(begun.slice.content)),
      (requests) => {
        tally.expect(requests)
        return shardRun
          .run({ batch, shard, attempt: begun.attempt, settings: begun.settings }, Stream.fromIterable(requests))
          .pipe(
            Stream.runForEachChunk((outcomes) => Effect.sync(() => Chunk.forEach(outcomes, (one) => tally.add(one))))
          )
      }
    )
    // An earlier attempt may store its end late, after an outage of the database.
    const endedElsewhere = Effect.suspend(() => rows.progress(attempt, tally.counts)).pipe(
      Effect.orElseSucceed(() => false),
      Effect.delay(progressInterval),
      Effect.repeat({ until: (hasEnded) => hasEnded })
    )
    const end = (state: ShardEnd["state"]) =>
      Effect.flatMap(Clock.currentTimeMillis, (nowMillis) => outbox(rows.end(attempt, tally.end(state), nowMillis)))
    const running = Effect.raceFirst(
      Effect.raceFirst(Effect.as(outcomes, "done" as const), Effect.as(cancelled, "cancelled" as const)),
      Effect.as(endedElsewhere, "ended elsewhere" as const)
    )
    return Effect.flatMap(Effect.exit(restore(running)), (exit) => {
      if (Exit.isSuccess(exit)) {
        return exit.value === "ended elsewhere" ? Effect.succeed(true) : Effect.as(restore(end(exit.value)), true)
      }
      if (Cause.isInterruptedOnly(exit.cause)) {
        const released = soon(outbox(rows.release(attempt, tally.counts)))
        return Effect.zipRight(released, Effect.failCause(Cause.stripFailures(exit.cause)))
      }
      const unreadable = Option.getOrUndefined(Cause.failureOption(exit.cause))
      if (unreadable?.reason === "version") {
        return Effect.logWarning(`shard ${shard} of the batch ${batch} waits: ${unreadable.message}`).pipe(
          Effect.zipRight(restore(outbox(rows.release(attempt, tally.counts)))),
          Effect.zipRight(restore(Effect.sleep(pauseForOthers))),
          Effect.as(false)
        )
      }
      // No process can read them.
      if (unreadable !== undefined) {
        return Effect.logWarning(`shard ${shard} of the batch ${batch} is abandoned: ${unreadable.message}`).pipe(
          Effect.zipRight(Clock.currentTimeMillis),
          Effect.flatMap((nowMillis) => restore(outbox(rows.abandon(attempt, unreadable.message, nowMillis)))),
          Effect.as(true)
        )
      }
      const detail = displayText(Cause.pretty(exit.cause).split("\n", 1)[0] ?? "")
      return Effect.logWarning(`shard ${shard} of the batch ${batch} died: ${detail}`).pipe(
        Effect.zipRight(restore(outbox(rows.died(attempt, detail)))),
        Effect.zipRight(restore(Effect.sleep(pauseAfterDeath))),
        Effect.as(false)
      )
    })
  })

/** The outcomes of one attempt. */
class Tally {
  private report = Download.emptyReport
  private readonly failed: Array<FailedRequest> = []
  private readonly places = new Map<DownloadRequest, number>()

  constructor(private readonly begun: Begun) {}

  expect(requests: ReadonlyArray<DownloadRequest>): void {
    for (const [place, request] of requests.entries()) {
      this.places.set(request, place)
    }
  }

  add(outcome: Download.DownloadOutcome): void {
    this.report = Download.addOutcome(this.report, outcome)
    if (outcome._tag === "Failed" && this.failed.length < failedAtMost) {
      const { error, request } = outcome
      const place = this.places.get(request) ?? 0
      const { destination, id, url } = request
      this.failed.push({ index: this.begun.slice.firstIndex + place, id, url, destination, error })
    }
  }

  get counts() {
    return countsOf(this.report, this.begun.attempt)
  }

  end(state: ShardEnd["state"]): ShardEnd {
    return {
      state,
      counts: remaining(this.counts, this.begun.slice.files, "cancelled"),
      failures: this.report.failures,
      failed: encodeFailed(this.failed)
    }
  }
}

const encodeFailed = Schema.encodeSync(Schema.parseJson(Schema.Array(FailedRequest)))

/** The failed requests that the row of a shard keeps one by one. */
const failedAtMost = 1000

/** How often the counts of a running shard are stored. */
const progressInterval = "5 seconds"

/** Maximum time for which the shutdown of a runner waits until an attempt is taken back. */
const releaseTimeout = "5 seconds"

/** The pause after an attempt that died. */
const pauseAfterDeath = "1 second"

/** How long a shard waits for a runner of the version that has stored its requests. */
const pauseForOthers = "30 seconds"
