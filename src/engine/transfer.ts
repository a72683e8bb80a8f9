/**
 * The steps of one file: check, permit, attempt, retry, publish.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import {
  type DownloadOutcome,
  type DownloadRequest,
  Failed,
  type NotModified,
  type Saved,
  type Skipped
} from "../Download.js"
import type { DownloadError } from "../DownloadError.js"
import { Hasher } from "../Hasher.js"
import { andThen, isExit } from "../internal/andThen.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import * as FileNames from "../internal/text/fileNames.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { OriginGovernor, Permit } from "../OriginGovernor.js"
import * as RetryPolicy from "../RetryPolicy.js"
import { Store } from "../Store.js"
import { Transport } from "../Transport.js"
import { Attempt, type Received, type Result } from "./attempt.js"
import * as Deadlines from "./deadlines.js"
import * as EventTimer from "./eventTimer.js"
import { FileTransfer, type Services, type TransferOptions } from "./fileTransfer.js"
import type { Hooks, Restore } from "./hooks.js"
import * as LongWait from "./longWait.js"
import * as Outcomes from "./outcome.js"
import { PermitWait } from "./permitWait.js"
import { checkRequest } from "./precheck.js"
import { Quotas } from "./quotas.js"
import { Reachability } from "./reachability.js"
import type { Hop } from "./redirect.js"
import { mayContinue } from "./resume/keepsContent.js"
import { openPart } from "./resume/openPart.js"
import { Retries } from "./retries.js"
import { whileParked, whilePublishing } from "./runPermits.js"
import { isUpdated, modifiedMillisOf, publishMode, savedAs, unchangedOutcome } from "./saved.js"
import { Wait } from "./wait.js"

/** Transfers one file. Run it uninterruptible: an interruption of the waits in `restore` gives the outcome `Cancelled`. */
export type Transfer = (request: DownloadRequest, restore: Restore, hooks: Hooks) => Effect.Effect<DownloadOutcome>

export const makeTransfer = (
  options: TransferOptions,
  governor: typeof OriginGovernor.Service
): Effect.Effect<Transfer, never, Transport | Store | Scope.Scope> =>
  Effect.gen(function* () {
    const transport = yield* Transport
    const store = yield* Store
    const hasher = yield* Hasher
    const clock = yield* Effect.clock
    const deadlines = yield* Deadlines.make
    const sampleTimer = yield* EventTimer.make
    const waitTimer = yield* EventTimer.make
    const reachability = new Reachability(() => Number(clock.unsafeCurrentTimeNanos()) / 1e6)
    const quotas = new Quotas(governor, Duration.toMillis(options.retry.longestWait))
    const services: Services = {
      transport,
      store,
      governor,
      hasher,
      clock,
      deadlines,
      sampleTimer,
      waitTimer,
      reachability,
      quotas,
      options
    }
    return (request, restore, hooks) => {
      const checked = checkRequest(request)
      if (Either.isLeft(checked)) {
        return Exit.succeed(Unvalidated.make(Failed, { request, error: checked.left }))
      }
      const { expected, hop, mirrors } = checked.right
      return new Steps(new FileTransfer(services, request, expected, hop, mirrors, hooks), restore, hooks).run
    }
  })

type Outcome = Saved | Skipped | NotModified

class Steps {
  private permit: Permit | undefined
  /** Whether a request was sent. */
  private hasSent = false
  private readonly permitWait: PermitWait
  private readonly retries: Retries
  private readonly totalMillis: number
  /** The deadline of the request, minus the time for which the process had stood still. */
  private readonly deadline: number

  constructor(
    private readonly file: FileTransfer,
    private readonly restore: Restore,
    hooks: Hooks
  ) {
    const { deadlines, request } = file
    const { deadline, timeout } = request
    this.retries = new Retries(file)
    this.permitWait = new PermitWait(file)
    this.totalMillis = Duration.toMillis(timeout)
    const deadlineAt =
      hooks.deadlineAt ?? (deadline === undefined ? Number.POSITIVE_INFINITY : file.now() + Duration.toMillis(deadline))
    this.deadline = deadlineAt - deadlines.lostMillis
  }

  get run(): Effect.Effect<DownloadOutcome> {
    return Effect.matchCauseEffect(this.begun, {
      onSuccess: (outcome) => this.end(Exit.succeed(outcome)),
      onFailure: (cause) => this.end(Exit.failCause(cause))
    })
  }

  private get begun(): Effect.Effect<Outcome, DownloadError> {
    try {
      return this.work
    } catch (defect) {
      return Exit.die(defect)
    }
  }

  private end(exit: Exit.Exit<Outcome, DownloadError>): Effect.Effect<DownloadOutcome> {
    const { file } = this
    const released = this.released()
    file.sampler.end()
    this.permitWait.end()
    file.reachability.leave(file.partial)
    if (Exit.isSuccess(exit)) {
      // A defect of the governor does not change an outcome that is decided.
      const told = Exit.isSuccess(released) ? Exit.succeed(exit.value) : logged(released.cause, exit.value)
      return exit.value._tag === "Saved" ? told : andThen(file.partial.discard, () => told)
    }
    const { cause } = Exit.isSuccess(released) ? exit : released
    return andThen(file.partial.leave(mayContinue(cause), file.options.durability), (left) =>
      Outcomes.ofCause(file.request, cause, left, this.hasSent ? file.attempts : 0)
    )
  }

  private get work(): Effect.Effect<Outcome, DownloadError> {
    const { file, restore } = this
    const named = file.isNamed ? Exit.succeed(true) : file.isNamedBefore()
    return andThen(isExit(named) ? named : restore(named), (isNamed) => (isNamed ? this.looked : this.again))
  }

  private get looked(): Effect.Effect<Outcome, DownloadError> {
    const { file, restore } = this
    const found = file.look()
    return andThen(isExit(found) ? found : restore(found), (unchanged) =>
      unchanged === undefined ? this.again : Exit.succeed(unchangedOutcome(file, unchanged))
    )
  }

  /** An attempt at the URL of the request, and those that follow it. */
  private get again(): Effect.Effect<Outcome, DownloadError> {
    return this.go(this.file.firstHop, this.totalMillis)
  }

  private go(hop: Hop, leftMillis: number): Effect.Effect<Outcome, DownloadError> {
    const { partial, reachability } = this.file
    this.permitWait.begin()
    return reachability.mayTry(hop.origin, partial)
      ? andThen(this.acquire(hop), () => this.attempt(hop, leftMillis))
      : Effect.matchEffect(this.turn(hop), {
          onSuccess: () => this.go(hop, leftMillis),
          onFailure: (error) => this.failOver(error)
        })
  }

  /** Acquires the permit, until the deadline at the latest. */
  private acquire(hop: Hop): Effect.Effect<void, DownloadError> {
    const acquiring = this.file.governor.acquire(hop.origin, this.file.permitOptions)
    const hold = (permit: Permit): Exit.Exit<void> => {
      this.permit = permit
      this.permitWait.over()
      return Exit.void
    }
    const held = andThen(acquiring, hold)
    if (isExit(held)) {
      return held
    }
    this.permitWait.tell(hop.origin, false)
    return this.untilDeadline(hop, Effect.uninterruptible(held))
  }

  /** Waits while another transfer tries the origin, until the deadline at the latest. */
  private turn(hop: Hop): Effect.Effect<void, DownloadError> {
    const { partial, reachability } = this.file
    this.permitWait.tell(hop.origin, true)
    return whileParked(
      this.file.permitOptions,
      this.untilDeadline(hop, this.restore(reachability.turn(hop.origin, partial, displayUrl(hop.href))))
    )
  }

  private untilDeadline<A>(hop: Hop, effect: Effect.Effect<A, DownloadError>): Effect.Effect<A, DownloadError> {
    const { file } = this
    if (this.deadline === Number.POSITIVE_INFINITY) {
      return effect
    }
    const wait = Wait.forPermit(file.now(), this.deadlineAt)
    return file.deadlines.within(wait, (phase) => file.timedOut(hop, phase, wait))(effect)
  }

  private attempt(hop: Hop, leftMillis: number): Effect.Effect<Outcome, DownloadError> {
    const { file, permit } = this
    if (permit === undefined || !file.reachability.mayTry(hop.origin, file.partial)) {
      // The origin has failed for another transfer while this one waited for its permit.
      this.release()
      return this.go(hop, leftMillis)
    }
    const opening = openPart(file.partial, file.store, this.restore)
    return isExit(opening) && Exit.isSuccess(opening)
      ? this.send(hop, leftMillis, permit)
      : Effect.matchEffect(opening, {
          onSuccess: () => this.send(hop, leftMillis, permit),
          onFailure: (error) => {
            this.release()
            return this.retry(error)
          }
        })
  }

  private send(hop: Hop, leftMillis: number, permit: Permit): Effect.Effect<Outcome, DownloadError> {
    const { file } = this
    const beganAt = file.now()
    this.hasSent = true
    this.retries.begin(beganAt)
    file.sampler.begin()
    file.checkpoints.begin(beganAt)
    const wait = new Wait(this.retries.limits, beganAt, beganAt + leftMillis, this.deadlineAt)
    const attempt = new Attempt(file, hop, wait, permit, this.permitWait.sent() ?? beganAt)
    const report = { signal: "success", beganAtMillis: beganAt } as const
    return attempt.run(this.restore, (exit) =>
      Exit.isSuccess(exit)
        ? andThen(attempt.hasFailed ? Exit.void : file.governor.report(hop.origin, report), () =>
            this.continue(exit.value, wait)
          )
        : Option.match(Cause.failureOption(exit.cause), {
            onNone: () => Exit.failCause(exit.cause),
            onSome: (error) => this.failed(hop, error, beganAt)
          })
    )
  }

  private continue(result: Result, wait: Wait): Effect.Effect<Outcome, DownloadError> {
    if (result._tag === "Received") {
      return this.publish(result)
    }
    this.release()
    return result._tag === "Unchanged"
      ? Exit.succeed(unchangedOutcome(this.file, result))
      : this.go(result.to, wait.totalAt - this.file.now())
  }

  private publish(received: Received): Effect.Effect<Outcome, DownloadError> {
    const { file } = this
    const { attempts, options, request } = file
    const modifiedMillis = modifiedMillisOf(file)
    const saved = savedAs(file.destination, received, attempts, modifiedMillis, file)
    const published = (destination: string | undefined): Exit.Exit<Outcome> => {
      if (destination === undefined) {
        return Exit.succeed(unchangedOutcome(file, { _tag: "Unchanged", how: "exists", file: undefined }))
      }
      file.publishedAs(destination)
      return Exit.succeed(
        destination === saved.destination ? saved : savedAs(destination, received, attempts, modifiedMillis, file)
      )
    }
    const publishing = received.part.publish({
      onExists: publishMode(file),
      durability: options.durability,
      modifiedMillis,
      name: file.destination === request.destination ? undefined : FileNames.lastSegment(file.destination),
      saved
    })
    if (isExit(publishing) && Exit.isSuccess(publishing)) {
      return published(publishing.value)
    }
    return Effect.matchEffect(isExit(publishing) ? publishing : this.whilePublishing(publishing), {
      onSuccess: published,
      onFailure: (error) => {
        this.release()
        return isUpdated(request) && error.reason === "exists"
          ? andThen(file.appeared(received.part, received.bytes), (unchanged) =>
              unchanged === undefined ? Exit.fail(error) : Exit.succeed(unchangedOutcome(file, unchanged))
            )
          : // The content is complete. Only the publish is repeated.
            this.retry(error, undefined, error.reason === "unavailable" ? () => this.publish(received) : undefined)
      }
    })
  }

  private whilePublishing<A, E>(publishing: Effect.Effect<A, E>): Effect.Effect<A, E> {
    const { firstHop, partial, permitOptions, waitTimer } = this.file
    const wait = LongWait.begin(waitTimer, this.file, (partial.source ?? firstHop).origin, "disk")
    const published = whilePublishing(permitOptions, () => this.release(), publishing)
    return wait === undefined
      ? published
      : Effect.ensuring(
          published,
          Effect.sync(() => wait.end())
        )
  }

  private failed(hop: Hop, error: DownloadError, beganAt: number): Effect.Effect<Outcome, DownloadError> {
    // Reported while the permit is held. An error by status was reported when the head was received.
    const reported = error._tag === "HttpStatus" ? Exit.void : this.file.cool(hop.origin, error, beganAt)
    return andThen(reported, () => {
      this.release()
      return this.retry(error, hop)
    })
  }

  /** Waits, and begins the next attempt, if the policy allows one. */
  private retry(
    error: DownloadError,
    hop?: Hop,
    next: () => Effect.Effect<Outcome, DownloadError> = () => this.nextAttempt
  ): Effect.Effect<Outcome, DownloadError> {
    return Effect.flatMap(Random.next, (random) => {
      const delayMillis = this.retries.failed(error, hop, random)
      // A disk fault cannot be undone, and no attempt begins after the deadline.
      if (delayMillis === undefined || isDiskFault(error) || this.file.now() + delayMillis >= this.deadlineAt) {
        return this.failOver(error)
      }
      this.retries.announce(error, delayMillis)
      const sleep = whileParked(
        this.file.permitOptions,
        this.restore(Effect.sleep(Duration.millis(Math.ceil(delayMillis))))
      )
      return Effect.flatMap(sleep, next)
    })
  }

  /** Continues with the next mirror, if there is one and the failure is one of the server. */
  private failOver(error: DownloadError): Effect.Effect<Outcome, DownloadError> {
    const { file } = this
    const isOfServer = error._tag !== "Disk" && !(error._tag === "Timeout" && error.phase === "deadline")
    if (!isOfServer || !file.nextMirror() || file.delivery?.mayContinue(error, file.firstHop) === false) {
      return Effect.fail(error)
    }
    this.retries.announce(error, 0, displayUrl(file.firstHop.href))
    this.retries.restart()
    return this.nextAttempt
  }

  private get nextAttempt(): Effect.Effect<Outcome, DownloadError> {
    this.file.attempts++
    this.permitWait.end()
    return this.again
  }

  private get deadlineAt(): number {
    return this.deadline + this.file.deadlines.lostMillis
  }

  private released(): Exit.Exit<void> {
    try {
      this.release()
      return Exit.void
    } catch (defect) {
      return Exit.die(defect)
    }
  }

  private release(): void {
    const { permit } = this
    this.permit = undefined
    permit?.release()
  }
}

// A failure that may pass does not damage the part, whose bytes stay where they are.
const isDiskFault = (error: DownloadError): boolean => error._tag === "Disk" && !RetryPolicy.mayPass(error)

const logged = (cause: Cause.Cause<never>, outcome: Outcome): Effect.Effect<DownloadOutcome> =>
  Effect.as(Effect.logError("A bug was met after the outcome of a transfer was decided.", cause), outcome)
