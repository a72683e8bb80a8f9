/**
 * What a worker thread does with the notes that it gets: it carries requests out, and asks the calling thread for the
 * permits. So there is one governor for all threads, and its limits hold over all of them.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import type { DownloadOutcome } from "../Download.js"
import type { DownloadEvent } from "../DownloadEvent.js"
import type { Ask, OriginGovernor } from "../OriginGovernor.js"
import type { Caller } from "../Threads.js"
import { settle } from "./settle.js"
import { type FromThread, type PlainSettings, plainError, requestOf, type ToThread } from "./threadNotes.js"
import type { Hooks, Transfer } from "./transfer.js"

/** Written together with what else happens in the same moment. */
class Outbox {
  private notes: Array<FromThread> = []
  private successes = new Map<string, number>()

  constructor(private readonly caller: typeof Caller.Service) {}

  write(note: FromThread): void {
    const last = this.notes.at(-1)
    if (last?._tag === "Release" && "id" in note && note.id === last.id && isOutcome(note)) {
      // An outcome gives all permits back.
      this.notes.pop()
    }
    this.begin()
    this.notes.push(note)
  }

  succeeded(origin: string): void {
    this.begin()
    this.successes.set(origin, (this.successes.get(origin) ?? 0) + 1)
  }

  private begin(): void {
    if (this.notes.length === 0 && this.successes.size === 0) {
      this.caller.soon(() => this.send())
    }
  }

  private send(): void {
    const counts = Array.from(this.successes, ([origin, count]): FromThread => ({ _tag: "Succeeded", origin, count }))
    const notes = this.notes
    this.notes = []
    this.successes = new Map()
    // The successes first: they were seen while their permits were held.
    this.caller.post(counts.length === 0 ? notes : [...counts, ...notes])
  }
}

const isOutcome = ({ _tag }: FromThread): boolean =>
  _tag === "Saved" || _tag === "Skipped" || _tag === "Cancelled" || _tag === "Failed"

/** How a request of this thread asks for permits. */
class Ticket implements Ask {
  /** The origin of the permit that came along, until it is used. */
  spare: string | undefined
  private count = 0
  private readonly waiting = new Map<number, () => void>()

  constructor(
    readonly id: number,
    origin: string | undefined,
    private readonly outbox: Outbox
  ) {
    this.spare = origin
  }

  readonly onParked = (is: boolean): void => this.outbox.write({ _tag: "Parked", id: this.id, is })

  use(origin: string): (() => void) | undefined {
    if (this.spare !== origin) {
      return undefined
    }
    this.spare = undefined
    return () => this.release(0)
  }

  /** Runs the effect with a permit that the calling thread gives, and gives it back. */
  withPermit<A, E, R>(origin: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      const permit = ++this.count
      this.outbox.write({ _tag: "Ask", id: this.id, permit, origin })
      let isGranted = false
      let wake: (() => void) | undefined
      this.waiting.set(permit, () => {
        isGranted = true
        wake?.()
      })
      const granted = Effect.async<void>((resume) => {
        if (isGranted) {
          resume(Effect.void)
        } else {
          wake = () => resume(Effect.void)
        }
      })
      return Effect.ensuring(
        Effect.zipRight(granted, effect),
        Effect.sync(() => this.release(permit))
      )
    })
  }

  granted(permit: number): void {
    this.waiting.get(permit)?.()
  }

  private release(permit: number): void {
    this.waiting.delete(permit)
    this.outbox.write({ _tag: "Release", id: this.id, permit })
  }
}

/** How long received bytes are to rest, as the calling thread answered. */
class Rests {
  private readonly until = new Map<string, number>()
  // Until the first answer is there; what comes before it is counted all the same, and a moment's rest keeps it little.
  private isLimited = true

  constructor(private readonly now: () => number) {}

  answered(origin: string, millis: number): void {
    const now = this.now()
    if (this.until.size >= sweepAt) {
      for (const [other, until] of this.until) {
        if (until <= now) {
          this.until.delete(other)
        }
      }
    }
    if (millis > 0) {
      this.until.set(origin, now + millis)
      this.hasRested = true
    } else {
      this.until.delete(origin)
    }
    this.isLimited = this.hasRested
  }

  millis(origin: string): number {
    return Math.max(Math.ceil((this.until.get(origin) ?? 0) - this.now()), this.isLimited ? 1 : 0)
  }

  private hasRested = false
}

const sweepAt = 1024

/** A governor that asks the one in the calling thread. */
const makeGovernor = (
  outbox: Outbox,
  rests: Rests,
  countsBytes: boolean,
  now: () => number
): typeof OriginGovernor.Service => {
  const report: typeof OriginGovernor.Service.report = (origin, signal, beganAtMillis) =>
    Effect.sync(() => tell(origin, signal, beganAtMillis))
  const tell = (origin: string, signal: "success" | "overload" | "neutral", beganAtMillis?: number): void => {
    if (signal === "success") {
      outbox.succeeded(origin)
    } else {
      outbox.write({ _tag: "Report", origin, signal, ageMillis: now() - (beganAtMillis ?? now()) })
    }
  }
  return {
    atOnce: {
      permit: (origin, ask) => (ask instanceof Ticket ? ask.use(origin) : undefined),
      report: tell
    },
    withPermit: (origin, ask) => (effect) =>
      ask instanceof Ticket ? ask.withPermit(origin, effect) : Effect.dieMessage("every permit is a request's"),
    pause: (origin, duration) =>
      Effect.sync(() => outbox.write({ _tag: "Pause", origin, millis: Duration.toMillis(duration) })),
    report,
    restMillis: (origin, bytes) => {
      if (!countsBytes) {
        return 0
      }
      outbox.write({ _tag: "Received", origin, bytes })
      return rests.millis(origin)
    },
    inUse: () => ({ permits: 0, limit: Number.POSITIVE_INFINITY })
  }
}

/**
 * Carries out what the caller writes, until the scope ends; then all that is under way is given up, and told.
 */
export const serve = <R>(
  caller: typeof Caller.Service,
  makeTransfer: (
    settings: PlainSettings,
    governor: typeof OriginGovernor.Service
  ) => Effect.Effect<Transfer, never, R | Scope.Scope>
): Effect.Effect<void, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const outbox = new Outbox(caller)
    const clock = yield* Clock.clockWith(Effect.succeed)
    const now = (): number => Number(clock.unsafeCurrentTimeNanos()) / 1e6
    const rests = new Rests(now)
    const underway = new Map<number, { readonly fiber: Fiber.RuntimeFiber<DownloadOutcome>; readonly ticket: Ticket }>()
    yield* Effect.addFinalizer(() => Fiber.interruptAll(Array.from(underway.values(), ({ fiber }) => fiber)))
    const fork = Runtime.runFork(yield* Effect.runtime<R | Scope.Scope>())
    let transfer: Transfer | undefined
    // What came while the transfer was made.
    let early: Array<ToThread> = []

    const carry = (carrying: Transfer, { id, request, tells }: ToThread & { readonly _tag: "Carry" }): void => {
      const ticket = new Ticket(id, new URL(request.url).origin, outbox)
      const hooks: Omit<Hooks, "decide"> = tells ? { ask: ticket, event: telling(id, outbox) } : { ask: ticket }
      const fiber = fork(settle(carrying, requestOf(request), Effect.interruptible, hooks))
      underway.set(id, { fiber, ticket })
      fiber.addObserver((exit) => {
        underway.delete(id)
        outbox.write(outcomeOf(id, exit))
      })
    }

    const take = (note: ToThread): void => {
      switch (note._tag) {
        case "Begin":
          fork(
            Effect.map(
              makeTransfer(note.settings, makeGovernor(outbox, rests, note.settings.countsBytes, now)),
              (made) => {
                transfer = made
                const notes = early
                early = []
                notes.forEach(take)
              }
            )
          )
          return
        case "Carry":
          if (transfer === undefined) {
            early.push(note)
          } else {
            carry(transfer, note)
          }
          return
        case "Granted":
          underway.get(note.id)?.ticket.granted(note.permit)
          return
        case "GiveUp": {
          const fiber = underway.get(note.id)?.fiber
          if (transfer === undefined) {
            early.push(note)
          } else {
            fiber?.unsafeInterruptAsFork(fiber.id())
          }
          return
        }
        case "Rest":
          rests.answered(note.origin, note.millis)
      }
    }
    caller.receive((notes) => notes.forEach(take))
  })

const telling =
  (id: number, outbox: Outbox) =>
  (event: DownloadEvent): Effect.Effect<void> =>
    Effect.sync(() => {
      if (event._tag === "Advanced") {
        outbox.write({ _tag: "Advanced", id, bytes: event.bytes, totalBytes: event.totalBytes })
      } else if (event._tag === "Retrying") {
        const { attempt, delayMillis, error } = event
        outbox.write({ _tag: "Retrying", id, error: plainError(error), attempt, delayMillis })
      }
    })

const outcomeOf = (id: number, exit: Exit.Exit<DownloadOutcome>): FromThread => {
  if (Exit.isFailure(exit)) {
    return Cause.isInterruptedOnly(exit.cause)
      ? { _tag: "Cancelled", id }
      : { _tag: "Died", id, detail: Cause.pretty(exit.cause) }
  }
  const outcome = exit.value
  switch (outcome._tag) {
    case "Saved": {
      const { attempts, bytes, destination, verified } = outcome
      return { _tag: "Saved", id, destination, bytes, verified, attempts }
    }
    case "Failed":
      return { _tag: "Failed", id, error: plainError(outcome.error) }
    default:
      return { _tag: outcome._tag, id }
  }
}
