/**
 * What a worker thread does with the notes that it gets: it carries requests out as it has permits for them, which the
 * calling thread gives. So there is one governor for all threads, and its limits hold over all of them.
 *
 * A permit whose request is done serves the next one of its run and origin that waits here, and the calling thread is told
 * afterwards: it is held all the time, and no message comes between two files.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import type * as Scope from "effect/Scope"
import type { DownloadOutcome } from "../Download.js"
import type { DownloadEvent } from "../DownloadEvent.js"
import type { OriginGovernor } from "../OriginGovernor.js"
import type { Caller } from "../Threads.js"
import { settle } from "./settle.js"
import * as ThreadGovernor from "./threadGovernor.js"
import { type Carry, type FromThread, type PlainSettings, plainError, requestOf, type ToThread } from "./threadNotes.js"
import { Outbox } from "./threadOutbox.js"
import { originOf, Ready } from "./threadReady.js"
import type { Hooks, Transfer } from "./transfer.js"

// Then a permit goes back, so that those of other origins and runs have their turn.
const usesAtMost = 64

interface Underway {
  readonly ticket: ThreadGovernor.Ticket
  fiber: Fiber.RuntimeFiber<DownloadOutcome> | undefined
  /** Its permit is used already: nobody waits for its outcome. */
  hasPassed: boolean
}

/** Carries out what the caller writes, until the scope ends; then all that is under way is given up. */
export const serve = <R>(
  caller: typeof Caller.Service,
  makeTransfer: (
    settings: PlainSettings,
    governor: typeof OriginGovernor.Service
  ) => Effect.Effect<Transfer, never, R | Scope.Scope>
): Effect.Effect<void, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.clockWith(Effect.succeed)
    const now = (): number => Number(clock.unsafeCurrentTimeNanos()) / 1e6
    const outbox = new Outbox(caller)
    const rests = new ThreadGovernor.Rests(now)
    const underway = new Map<number, Underway>()
    const ready = new Ready()
    // Uninterruptible from the first step to the last, but for the transfer: giving up has an outcome too.
    const fork = Runtime.runFork(
      Runtime.disableRuntimeFlag(yield* Effect.runtime<R | Scope.Scope>(), RuntimeFlags.Interruption)
    )
    yield* Effect.addFinalizer(() =>
      Fiber.interruptAll(Array.from(underway.values()).flatMap(({ fiber }) => (fiber === undefined ? [] : [fiber])))
    )
    let transfer: Transfer | undefined
    // What came while the transfer was made.
    let early: Array<ToThread> = []
    let passes = false
    // Permits of an earlier one go back: an origin had too much since.
    let epoch = 0

    const release = (permit: ThreadGovernor.Permit, { id }: ThreadGovernor.Ticket): void => {
      const isOurs = passes && permit.epoch === epoch && ++permit.uses < usesAtMost
      const next = isOurs ? ready.next(permit.key) : undefined
      if (next === undefined) {
        outbox.write({ _tag: "Release", id, permit: permit.number })
        return
      }
      outbox.writeLater({ _tag: "Passed", id, permit: permit.number, to: next.id })
      const one = underway.get(id)
      if (one !== undefined) {
        one.hasPassed = true
      }
      start(next, permit)
    }

    const start = (carry: Carry, permit: ThreadGovernor.Permit): void => {
      if (transfer === undefined) {
        return
      }
      const { id, request, tells } = carry
      const ticket = new ThreadGovernor.Ticket(carry, permit, outbox, release)
      const hooks: Omit<Hooks, "decide"> = tells ? { ask: ticket, event: telling(id, outbox) } : { ask: ticket }
      const one: Underway = { ticket, fiber: undefined, hasPassed: false }
      underway.set(id, one)
      // Not on the stack of the one before it.
      one.fiber = fork(settle(transfer, requestOf(request), Effect.interruptible, hooks), { immediate: false })
      one.fiber.addObserver((exit) => {
        underway.delete(id)
        if (one.hasPassed) {
          outbox.writeLater(outcomeOf(id, exit))
        } else {
          outbox.write(outcomeOf(id, exit))
        }
      })
    }

    const take = (note: ToThread): void => {
      if (note._tag === "Begin") {
        const { settings } = note
        const governor = ThreadGovernor.make(outbox, settings.countsBytes ? rests : undefined, now, () => {
          epoch++
        })
        passes = settings.passes
        fork(
          Effect.map(makeTransfer(settings, governor), (made) => {
            transfer = made
            outbox.write({ _tag: "Ready" })
            const notes = early
            early = []
            notes.forEach(take)
          })
        )
        return
      }
      if (transfer === undefined) {
        early.push(note)
        return
      }
      switch (note._tag) {
        case "Carry":
          if (note.permit === undefined) {
            ready.add(note)
          } else {
            start(note, ThreadGovernor.permit(note, originOf(note), note.permit, epoch))
          }
          return
        case "Granted": {
          const waiting = note.ask === 0 ? ready.take(note.id) : undefined
          if (waiting === undefined) {
            // One that had another one's by then passes it on; one that is done gave all back.
            underway.get(note.id)?.ticket.granted(note.ask, note.permit, epoch)
          } else {
            start(waiting, ThreadGovernor.permit(waiting, originOf(waiting), note.permit, epoch))
          }
          return
        }
        case "GiveUp":
          if (ready.take(note.id) === undefined) {
            const fiber = underway.get(note.id)?.fiber
            fiber?.unsafeInterruptAsFork(fiber.id())
          } else {
            outbox.write({ _tag: "Cancelled", id: note.id })
          }
          return
        case "Rest":
          rests.answered(note.origin, note.millis)
          return
        case "Hold":
          epoch++
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
