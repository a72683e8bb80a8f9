/**
 * One transfer for all callers that request the same file at the same time.
 *
 * Two requests are for the same file if they have the same destination. If another field differs, the later request waits until
 * the earlier transfer ends, and then finds the file that it left. A request with `unique` shares no transfer and does not wait.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Struct from "effect/Struct"
import { Cancelled, type DownloadOutcome, DownloadRequest, Failed } from "../Download.js"
import { Timeout } from "../DownloadError.js"
import { Advanced, Retrying } from "../DownloadEvent.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import * as Unvalidated from "../internal/unvalidated.js"
import { nowMillis } from "./deadlines.js"
import type { Audience, Hooks } from "./hooks.js"
import { type Restore, settle, withRequest } from "./outcome.js"
import type { Transfer } from "./transfer.js"

/** A caller that waits for a transfer which another caller started, and is told its events as its own. */
interface Companion {
  readonly request: DownloadRequest
  readonly audience: Audience
}

class Shared implements Audience {
  /** Once it has come to its end. */
  exit: Exit.Exit<DownloadOutcome> | undefined
  wake: Set<() => void> | undefined
  /** Another caller has come for it. */
  isMet = false
  users = 0
  /** The last has left, and it is coming to its end. */
  isLeft = false
  companions: Set<Companion> | undefined

  constructor(
    public key: string,
    public request: DownloadRequest,
    /** Gives the transfer up, in the background. */
    public interrupt: Effect.Effect<void>,
    /** That of the caller that started the transfer, until it is interrupted. */
    public starter: Audience | undefined
  ) {}

  get isListening(): boolean {
    return this.starter?.isListening === true || (this.companions !== undefined && this.companions.size > 0)
  }

  tell(event: Advanced | Retrying): void {
    if (this.starter?.isListening === true) {
      this.starter.tell(event)
    }
    for (const { audience, request } of this.companions ?? []) {
      audience.tell(forRequest(request, event))
    }
  }
}

/** The event of another request for the same file, with this request in its place. */
const forRequest = (request: DownloadRequest, event: Advanced | Retrying): Advanced | Retrying =>
  event._tag === "Advanced"
    ? Unvalidated.make(Advanced, { ...event, request })
    : Unvalidated.make(Retrying, { ...event, request })

/**
 * A worker whose own fiber carries out transfers. A fiber for each transfer would cost as much as half of a small transfer. If
 * the worker is interrupted while other callers wait for its transfer, its fiber continues for them.
 */
export class Lead {
  /** The fiber of the worker. */
  fiber: Fiber.RuntimeFiber<unknown, unknown> | undefined
  /** That of an earlier transfer which nobody else has met: else a map of old ones would keep all from the young collector. */
  spare: Shared | undefined
  readonly interrupt: Effect.Effect<void> = Effect.fiberIdWith((id) =>
    Effect.sync(() => this.fiber?.unsafeInterruptAsFork(id))
  )
  /** The transfer that is carried out at this moment. */
  shared: Shared | undefined
  /** True if the fiber continues only for other callers. It ends with the transfer, and sends no events. */
  isLeft = false
  /** The outcome whose record in the journal failed. */
  unrecorded: DownloadOutcome | undefined

  /** Call it before the fiber is interrupted. True if the fiber must not be interrupted, because other callers wait for it. */
  leave(): boolean {
    const { shared } = this
    if (shared === undefined) {
      return false
    }
    shared.users--
    shared.isLeft = shared.users === 0
    this.isLeft = shared.users > 0
    shared.starter = undefined
    return this.isLeft
  }
}

export interface Share {
  /** Transfers that are carried out by the fibers that ask end with this scope. */
  readonly scope: Scope.Scope
  /** To be run uninterruptible; `lead` where the transfer may be carried out by the fiber that asks. */
  readonly carry: (
    transfer: Transfer,
    request: DownloadRequest,
    restore: Restore,
    hooks: Omit<Hooks, "decide">,
    lead?: Lead
  ) => Effect.Effect<DownloadOutcome>
}

/** A transfer that is shared ends with the last who waits for it, and at the latest with the scope. */
export const make: Effect.Effect<Share, never, Scope.Scope> = Effect.map(Effect.scope, (scope) => {
  const underway = new Map<string, Shared>()
  let alone = 0

  const begin = (
    request: DownloadRequest,
    key: string,
    audience: Audience | undefined,
    lead: Lead | undefined
  ): Shared => {
    const shared = lead?.spare ?? new Shared(key, request, lead?.interrupt ?? Effect.void, audience)
    shared.key = key
    shared.request = request
    shared.starter = audience
    if (lead !== undefined) {
      lead.spare = undefined
    }
    underway.set(key, shared)
    return shared
  }

  const end = (shared: Shared, exit: Exit.Exit<DownloadOutcome>): void => {
    underway.delete(shared.key)
    shared.exit = exit
    for (const wake of shared.wake ?? []) {
      wake()
    }
  }

  const fork = (shared: Shared, transfer: Transfer, { ask, deadlineAt }: Omit<Hooks, "decide">): Effect.Effect<void> =>
    // Uninterruptible except for the transfer itself, so that a cancelled transfer has an outcome too.
    Effect.map(
      Effect.forkIn(
        settle(transfer, shared.request, Effect.interruptible, { ask, deadlineAt, audience: shared }),
        scope
      ),
      (fiber) => {
        shared.interrupt = Effect.fiberIdWith((id) => Effect.sync(() => fiber.unsafeInterruptAsFork(id)))
        fiber.addObserver((exit) => end(shared, exit))
      }
    )

  const leadOn = (
    shared: Shared,
    transfer: Transfer,
    lead: Lead,
    restore: Restore,
    { ask, deadlineAt }: Omit<Hooks, "decide">
  ): Effect.Effect<DownloadOutcome> =>
    Effect.suspend(() => {
      shared.users++
      lead.shared = shared
      const ended = (exit: Exit.Exit<DownloadOutcome>): Effect.Effect<DownloadOutcome> => {
        const { isLeft, isMet } = shared
        lead.shared = undefined
        if (isMet || isLeft) {
          end(shared, exit)
        } else {
          underway.delete(shared.key)
          shared.users = 0
          lead.spare = shared
        }
        return exit
      }
      return Effect.matchCauseEffect(settle(transfer, shared.request, restore, { ask, deadlineAt, audience: shared }), {
        onSuccess: (outcome) => ended(Exit.succeed(outcome)),
        onFailure: (cause) => ended(Exit.failCause(cause))
      })
    })

  /** `leave` silences the audience of the caller that waits. */
  const join = (
    shared: Shared,
    request: DownloadRequest,
    restore: Restore,
    leave: () => void
  ): Effect.Effect<DownloadOutcome> => {
    shared.users++
    return Effect.matchCauseEffect(restore(ended(shared)), {
      onSuccess: (exit) => {
        shared.users--
        leave()
        return outcomeOf(request, exit)
      },
      onFailure: () => {
        shared.users--
        shared.isLeft = shared.users === 0
        leave()
        return shared.users > 0
          ? Effect.succeed(Unvalidated.make(Cancelled, { request }))
          : Effect.flatMap(Effect.zipRight(shared.interrupt, ended(shared)), (exit) => outcomeOf(request, exit))
      }
    })
  }

  const accompany = (
    shared: Shared,
    request: DownloadRequest,
    restore: Restore,
    audience: Audience | undefined
  ): Effect.Effect<DownloadOutcome> => {
    if (audience?.isListening !== true) {
      return join(shared, request, restore, () => {})
    }
    const companion: Companion = { request, audience }
    shared.companions ??= new Set()
    shared.companions.add(companion)
    return join(shared, request, restore, () => shared.companions?.delete(companion))
  }

  const carry: Share["carry"] = (transfer, request, restore, hooks, lead) =>
    Effect.suspend(() => {
      if (request.onExists === "unique" && lead !== undefined) {
        return settle(transfer, request, restore, hooks)
      }
      alone++
      // No destination has a NUL in it.
      const key = request.onExists === "unique" ? `\u0000${alone}` : keyOf(request.destination)
      const found = underway.get(key)
      if (found === undefined) {
        const shared = begin(request, key, hooks.audience, lead)
        if (lead !== undefined) {
          return leadOn(shared, transfer, lead, restore, hooks)
        }
        const leave = (): void => {
          shared.starter = undefined
        }
        return Effect.flatMap(fork(shared, transfer, hooks), () => join(shared, request, restore, leave))
      }
      found.isMet = true
      return Effect.flatMap(nowMillis, (now) => {
        const deadlineAt = hooks.deadlineAt ?? now + Duration.toMillis(request.deadline ?? Duration.infinity)
        if (!found.isLeft && isSameFile(found.request, request)) {
          return Effect.flatMap(accompany(found, request, restore, hooks.audience), (outcome) =>
            // The deadline that expired began with another caller.
            isLate(outcome)
              ? Effect.flatMap(nowMillis, (at) =>
                  at < deadlineAt
                    ? carry(transfer, request, restore, { ...hooks, deadlineAt }, lead)
                    : Effect.succeed(outcome)
                )
              : Effect.succeed(outcome)
          )
        }
        const leftMillis = deadlineAt - now
        const over =
          leftMillis > longestTimer ? Effect.asSome(ended(found)) : Effect.timeoutOption(ended(found), leftMillis)
        return Effect.matchCauseEffect(restore(over), {
          onSuccess: (exit) =>
            Option.isSome(exit)
              ? carry(transfer, request, restore, { ...hooks, deadlineAt }, lead)
              : Effect.succeed(tooLate(request)),
          onFailure: () => Effect.succeed(Unvalidated.make(Cancelled, { request }))
        })
      })
    })

  return { scope, carry }
})

// A timer beyond this fires at once, or never.
const longestTimer = 2 ** 31 - 1

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

// The look and the wait are one step: what ends in between would wake nobody.
const ended = (shared: Shared): Effect.Effect<Exit.Exit<DownloadOutcome>> =>
  Effect.suspend(() =>
    shared.exit === undefined ? Effect.zipRight(somethingEnded(shared), ended(shared)) : Effect.succeed(shared.exit)
  )

const somethingEnded = (shared: Shared): Effect.Effect<void> =>
  Effect.async((resume) => {
    if (shared.exit === undefined) {
      shared.wake ??= new Set()
      shared.wake.add(() => resume(Effect.void))
    } else {
      resume(Effect.void)
    }
  })

// Names that differ only in case or Unicode form are the same on some file systems. On POSIX a path has at most 4096 characters,
// and `normalize` could take minutes for a longer one.
const keyOf = (destination: string): string =>
  (destination.length > longestPath ? destination : destination.normalize("NFC")).toLowerCase()

const longestPath = 4096

// Made when it is needed first: most programs never ask for a file twice.
let equivalence: ((one: DownloadRequest, other: DownloadRequest) => boolean) | undefined

const isSameFile = (one: DownloadRequest, other: DownloadRequest): boolean => {
  equivalence ??= Schema.equivalence(Schema.typeSchema(Schema.Struct(Struct.omit(DownloadRequest.fields, "id"))))
  return equivalence(one, other)
}

const outcomeOf = (request: DownloadRequest, exit: Exit.Exit<DownloadOutcome>): Effect.Effect<DownloadOutcome> =>
  Effect.map(exit, (outcome) => withRequest(request, outcome))
