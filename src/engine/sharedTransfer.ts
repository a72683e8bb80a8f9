/**
 * One transfer for all callers that request the same file at the same time.
 *
 * Two requests are for the same file if they have the same destination. If another field differs, the later request waits until
 * the earlier transfer ends, and then finds the file that it left. So does a request with another method than `GET` or with content,
 * because each is sent. A request with `unique` shares no transfer and does not wait. Its names are taken like those of the others.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Struct from "effect/Struct"
import { Cancelled, type DownloadOutcome, DownloadRequest, Failed } from "../Download.js"
import { Timeout } from "../DownloadError.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import * as NormalizedUrl from "../internal/text/normalizedUrl.js"
import { UniquePaths } from "../internal/text/uniquePaths.js"
import * as Unvalidated from "../internal/unvalidated.js"
import { CallerEvents } from "./callerEvents.js"
import { nowMillis } from "./deadlines.js"
import * as EventTimer from "./eventTimer.js"
import type { EventSink, Hooks, Names, Restore, RunNames } from "./hooks.js"
import * as LongWait from "./longWait.js"
import { withRequest } from "./outcome.js"
import type { TransferTrace } from "./trace.js"
import type { Transfer } from "./transfer.js"

/** The fiber that carries out a transfer. */
interface Owner {
  fiber: Fiber.RuntimeFiber<unknown, unknown> | undefined
}

class SharedTransfer extends CallerEvents {
  /** The number of callers that were not interrupted. */
  callers = 0
  /** True if all callers were interrupted. The transfer is being cancelled. */
  isCancelled = false
  /** The result, if a caller waits for it on another fiber than the owner's. */
  result: Deferred.Deferred<Exit.Exit<DownloadOutcome>> | undefined
  /** The key of the name that the server gave. */
  namedKey: string | undefined

  constructor(
    public key: string,
    public request: DownloadRequest,
    private readonly owner: Owner,
    starter: EventSink | undefined,
    starterTrace: TransferTrace | undefined
  ) {
    super(starter, starterTrace)
  }

  /** Waits for the result. Call it before the transfer ends. */
  awaitResult(): Effect.Effect<Exit.Exit<DownloadOutcome>> {
    this.result ??= Deferred.unsafeMake(FiberId.none)
    return Deferred.await(this.result)
  }

  end(exit: Exit.Exit<DownloadOutcome>): void {
    if (this.result !== undefined) {
      Deferred.unsafeDone(this.result, Exit.succeed(exit))
    }
  }

  /** Interrupts the transfer, and does not wait until it has ended. */
  get interrupt(): Effect.Effect<void> {
    return Effect.fiberIdWith((id) => Effect.sync(() => this.owner.fiber?.unsafeInterruptAsFork(id)))
  }
}

/**
 * A worker of a run. Its own fiber carries out transfers, one after the other: a fiber for each transfer would cost as much as half
 * of a small transfer. If the worker is interrupted while other callers wait for its transfer, its fiber continues for them.
 */
export class Worker implements Owner {
  fiber: Fiber.RuntimeFiber<unknown, unknown> | undefined
  /** The request that it carries out, or carried out last. */
  request: DownloadRequest | undefined
  transfer: SharedTransfer | undefined
  /** True if the fiber continues only for other callers. It ends with the transfer, and sends no events. */
  isDetached = false
  /**
   * The last transfer, if no other caller waited for it. The next one uses the object again: the map of transfers is old, and keeps
   * what was added to it from the young collector.
   */
  spare: SharedTransfer | undefined
  /** The outcome whose record in the journal failed. */
  unrecorded: DownloadOutcome | undefined

  /** Call it before the fiber is interrupted. True if the fiber must not be interrupted, because other callers wait for it. */
  detach(): boolean {
    const { transfer } = this
    if (transfer === undefined) {
      return false
    }
    transfer.callers--
    transfer.isCancelled = transfer.callers === 0
    this.isDetached = !transfer.isCancelled
    if (this.isDetached) {
      transfer.starterLeft()
    }
    return this.isDetached
  }
}

/** A request that waits until the transfer of another one has ended. */
class WaitingRequest implements LongWait.Waiting {
  constructor(
    readonly request: DownloadRequest,
    readonly events: EventSink | undefined,
    private readonly clock: Clock.Clock
  ) {}

  get atMillis(): number {
    return this.clock.unsafeCurrentTimeMillis()
  }
}

const originOf = ({ url }: DownloadRequest): string =>
  NormalizedUrl.originOf(url) ?? (URL.canParse(url) ? new URL(url).origin : "")

export interface SharedTransfers {
  /** The scope in which all transfers end. */
  readonly scope: Scope.Scope
  /** Carries out a transfer, or waits for the one of another caller: on the worker's fiber if there is one. Run it uninterruptible. */
  readonly perform: (
    transfer: Transfer,
    request: DownloadRequest,
    restore: Restore,
    hooks: Omit<Hooks, "trace">,
    trace?: TransferTrace,
    worker?: Worker
  ) => Effect.Effect<DownloadOutcome>
}

/** A shared transfer ends when its last caller is interrupted, and at the latest with the scope. */
export const make: Effect.Effect<SharedTransfers, never, Scope.Scope> = Effect.gen(function* () {
  const scope = yield* Effect.scope
  const clock = yield* Effect.clock
  const waitTimer = yield* EventTimer.make
  const underway = new Map<string, SharedTransfer>()
  let uniques = 0

  const remove = (shared: SharedTransfer): void => {
    underway.delete(shared.key)
    if (shared.namedKey !== undefined) {
      underway.delete(shared.namedKey)
      shared.namedKey = undefined
    }
  }

  const end = (shared: SharedTransfer, exit: Exit.Exit<DownloadOutcome>): void => {
    remove(shared)
    shared.end(exit)
  }

  /** Also takes the names of the run, if the transfer belongs to one. */
  const namesFor = (shared: SharedTransfer, runNames: RunNames | undefined): Names | undefined =>
    shared.request.nameFrom === "server"
      ? {
          take: (wanted, isRefused) => {
            const isTaken = (path: string) => underway.has(keyOf(path)) || isRefused(path)
            const path = runNames?.take(wanted, isTaken) ?? new UniquePaths().takeName(wanted, isTaken)
            if (shared.namedKey !== undefined) {
              underway.delete(shared.namedKey)
            }
            shared.namedKey = keyOf(path)
            underway.set(shared.namedKey, shared)
            return path
          }
        }
      : undefined

  const onOwnFiber = (
    key: string,
    transfer: Transfer,
    request: DownloadRequest,
    restore: Restore,
    { permitOptions, events, deadlineAt, journal, cookies, runNames }: Hooks,
    trace: TransferTrace | undefined
  ): Effect.Effect<DownloadOutcome> => {
    const owner: Owner = { fiber: undefined }
    const shared = new SharedTransfer(key, request, owner, events, trace)
    underway.set(key, shared)
    const result = shared.awaitResult()
    const names = namesFor(shared, runNames)
    // Uninterruptible except for the transfer itself, so that a cancelled transfer has an outcome too.
    return Effect.flatMap(
      Effect.forkIn(
        transfer(request, Effect.interruptible, {
          permitOptions,
          deadlineAt,
          journal,
          cookies,
          names,
          trace: shared,
          events: shared
        }),
        scope
      ),
      (fiber) => {
        owner.fiber = fiber
        fiber.addObserver((exit) => end(shared, exit))
        return join(shared, result, request, restore, () => {
          shared.starterLeft()
        })
      }
    )
  }

  const onWorker = (
    key: string,
    transfer: Transfer,
    request: DownloadRequest,
    restore: Restore,
    { permitOptions, events, deadlineAt, journal, cookies, runNames }: Hooks,
    trace: TransferTrace | undefined,
    worker: Worker
  ): Effect.Effect<DownloadOutcome> => {
    const shared = worker.spare ?? new SharedTransfer(key, request, worker, events, trace)
    worker.spare = undefined
    shared.key = key
    shared.request = request
    shared.starter = events
    shared.starterTrace = trace
    shared.callers = 1
    underway.set(key, shared)
    worker.transfer = shared
    const ended = (exit: Exit.Exit<DownloadOutcome>): Effect.Effect<DownloadOutcome> => {
      worker.transfer = undefined
      if (shared.result === undefined && !shared.isCancelled) {
        remove(shared)
        worker.spare = shared
      } else {
        end(shared, exit)
      }
      return exit
    }
    const names = namesFor(shared, runNames)
    return Effect.matchCauseEffect(
      transfer(request, restore, { permitOptions, deadlineAt, journal, cookies, names, trace: shared, events: shared }),
      {
        onSuccess: (outcome) => ended(Exit.succeed(outcome)),
        onFailure: (cause) => ended(Exit.failCause(cause))
      }
    )
  }

  /** Waits for the result of a transfer. The last caller that is interrupted cancels the transfer. */
  const join = (
    shared: SharedTransfer,
    result: Effect.Effect<Exit.Exit<DownloadOutcome>>,
    request: DownloadRequest,
    restore: Restore,
    unfollow: () => void
  ): Effect.Effect<DownloadOutcome> => {
    shared.callers++
    return Effect.matchCauseEffect(restore(result), {
      onSuccess: (exit) => {
        shared.callers--
        unfollow()
        return outcomeOf(request, exit)
      },
      onFailure: () => {
        shared.callers--
        shared.isCancelled = shared.callers === 0
        if (shared.callers > 0) {
          unfollow()
          return Effect.succeed(Unvalidated.make(Cancelled, { request }))
        }
        return Effect.flatMap(Effect.zipRight(shared.interrupt, result), (exit) => {
          unfollow()
          return outcomeOf(request, exit)
        })
      }
    })
  }

  const perform: SharedTransfers["perform"] = (transfer, request, restore, hooks, trace, worker) =>
    Effect.suspend(() => {
      const isUnique = request.onExists === "unique"
      uniques += isUnique ? 1 : 0
      const key = isUnique ? `\u0000${uniques}` : sharedKeyOf(request)
      const found = underway.get(key)
      if (found === undefined) {
        return worker === undefined
          ? onOwnFiber(key, transfer, request, restore, hooks, trace)
          : onWorker(key, transfer, request, restore, hooks, trace, worker)
      }
      const result = found.awaitResult()
      return Effect.flatMap(nowMillis, (now) => {
        const deadlineAt = hooks.deadlineAt ?? now + Duration.toMillis(request.deadline ?? Duration.infinity)
        const performLater = perform(transfer, request, restore, { ...hooks, deadlineAt }, trace, worker)
        if (!found.isCancelled && isPlainGet(request) && isSameFile(found.request, request)) {
          const unfollow = found.follow(request, hooks.events, trace)
          return Effect.flatMap(join(found, result, request, restore, unfollow), (outcome) =>
            // The deadline that expired began with another caller.
            isLate(outcome)
              ? Effect.flatMap(nowMillis, (at) => (at < deadlineAt ? performLater : Effect.succeed(outcome)))
              : Effect.succeed(outcome)
          )
        }
        const isOver = Number.isFinite(deadlineAt)
          ? Effect.timeoutOption(result, deadlineAt - now)
          : Effect.asSome(result)
        const wait = LongWait.begin(
          waitTimer,
          new WaitingRequest(request, hooks.events, clock),
          originOf(request),
          "destination"
        )
        return Effect.matchCauseEffect(restore(isOver), {
          onSuccess: (exit) => {
            if (Option.isNone(exit)) {
              wait?.end()
              return Effect.succeed(tooLate(request))
            }
            wait?.over()
            return performLater
          },
          onFailure: () => {
            wait?.end()
            return Effect.succeed(Unvalidated.make(Cancelled, { request, attempts: 0 }))
          }
        })
      })
    })

  return { scope, perform }
})

const isLate = (outcome: DownloadOutcome): boolean =>
  outcome._tag === "Failed" && outcome.error._tag === "Timeout" && outcome.error.phase === "deadline"

/** The failure of a request whose deadline expired while it waited for another transfer of the same file. */
const tooLate = (request: DownloadRequest): Failed =>
  Unvalidated.make(Failed, {
    request,
    error: new Timeout({
      url: displayUrl(request.url),
      phase: "deadline",
      limitMillis: Duration.toMillis(request.deadline ?? Duration.infinity),
      receivedBytes: 0
    })
  })

/** The key of a request: its destination. If the server names the file, different URLs need not wait for each other. */
const sharedKeyOf = (request: DownloadRequest): string =>
  // No destination has a NUL in it.
  request.nameFrom === "server" ? `\u0000${request.url}\u0000${request.destination}` : keyOf(request.destination)

// Names that differ only in case or Unicode form are the same on some file systems. On POSIX a path has at most 4096 characters,
// and `normalize` could take minutes for a longer one.
const keyOf = (destination: string): string =>
  (destination.length > longestPath ? destination : destination.normalize("NFC")).toLowerCase()

const longestPath = 4096

// Made when it is needed first: most programs never request a file twice.
let equivalence: ((one: DownloadRequest, other: DownloadRequest) => boolean) | undefined

const isPlainGet = ({ body, method = "GET" }: DownloadRequest): boolean => method === "GET" && body === undefined

const isSameFile = (one: DownloadRequest, other: DownloadRequest): boolean => {
  equivalence ??= Schema.equivalence(Schema.typeSchema(Schema.Struct(Struct.omit(DownloadRequest.fields, "id"))))
  return equivalence(one, other)
}

const outcomeOf = (request: DownloadRequest, exit: Exit.Exit<DownloadOutcome>): Effect.Effect<DownloadOutcome> =>
  Effect.map(exit, (outcome) => withRequest(request, outcome))
