/**
 * A transfer that a thread carries out, seen from the calling thread, which has the governor: no thread begins an attempt
 * for which it was not given a permit, and a permit is free again when its thread says so, or has ended.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { type DownloadRequest, Failed, Saved, Skipped } from "../Download.js"
import { type DownloadError, WorkerLost } from "../DownloadError.js"
import { Advanced, type DownloadEvent, Retrying } from "../DownloadEvent.js"
import type { OriginGovernor } from "../OriginGovernor.js"
import { displayUrl } from "./displayUrl.js"
import { errorOf, type FromThread, plainRequest } from "./threadNotes.js"
import type { Carried, Member, Pool } from "./threadPool.js"
import type { Hooks } from "./transfer.js"
import { unchecked } from "./unchecked.js"

export type Fork = (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>

let nextId = 0

export class Carriage implements Carried {
  private readonly id = nextId++
  private member: Member | undefined
  private readonly events: Array<DownloadEvent> = []
  private exit: Effect.Effect<Saved | Skipped, DownloadError> | undefined
  private isClosed = false
  private wake: (() => void) | undefined
  /** By number, how each is given back. */
  private readonly permits: Array<(() => void) | undefined> = []
  private isParked = false

  constructor(
    private readonly request: DownloadRequest,
    private readonly hooks: Hooks,
    private readonly governor: typeof OriginGovernor.Service,
    private readonly fork: Fork
  ) {}

  /** Sends the request to a thread, as soon as there is a permit for it. */
  begin(origin: string, pool: Pool): void {
    this.obtain(0, origin, () => {
      const member = pool.choose()
      if (member === undefined) {
        this.lost()
        return
      }
      this.member = member
      member.carried.set(this.id, this)
      member.write({
        _tag: "Carry",
        id: this.id,
        tells: this.hooks.event !== undefined,
        request: plainRequest(this.request)
      })
    })
  }

  /** Its end, after all events before that were told. */
  readonly outcome: Effect.Effect<Saved | Skipped, DownloadError> = Effect.suspend(() => {
    const event = this.events.shift()
    return event === undefined
      ? (this.exit ?? Effect.zipRight(this.something, this.outcome))
      : Effect.zipRight(this.hooks.event?.(event) ?? Effect.void, this.outcome)
  })

  // The look and the wait are one step.
  private readonly something: Effect.Effect<void> = Effect.async((resume) => {
    if (this.events.length > 0 || this.exit !== undefined) {
      resume(Effect.void)
    } else {
      this.wake = () => resume(Effect.void)
    }
  })

  /** Asks the thread to give it up, and waits for what it says: by then the file may stand there. */
  readonly giveUp: Effect.Effect<void> = Effect.suspend(() => {
    if (this.member === undefined) {
      return Effect.void
    }
    this.member.write({ _tag: "GiveUp", id: this.id })
    return Effect.ignore(Effect.exit(this.outcome))
  })

  /** To be called at the end, whatever it was. */
  close(): void {
    this.isClosed = true
    this.member?.carried.delete(this.id)
    for (const release of this.permits.splice(0)) {
      release?.()
    }
    this.park(false)
  }

  lost(): void {
    this.end(new WorkerLost({ url: displayUrl(this.request.url) }))
  }

  told(note: FromThread & { readonly id: number }): void {
    const { request } = this
    switch (note._tag) {
      case "Saved": {
        const { attempts, bytes, destination, verified } = note
        const saved = new Saved({ request, destination, bytes, verified, attempts }, unchecked)
        this.hooks.decide(saved)
        this.end(Effect.succeed(saved))
        return
      }
      case "Skipped": {
        const skipped = new Skipped({ request }, unchecked)
        this.hooks.decide(skipped)
        this.end(Effect.succeed(skipped))
        return
      }
      case "Failed": {
        const error = errorOf(note.error)
        // The thread has decided: it says so in place of `Cancelled`.
        this.hooks.decide(new Failed({ request, error }, unchecked))
        this.end(error)
        return
      }
      case "Cancelled":
        this.end(Effect.interrupt)
        return
      case "Died":
        this.end(Effect.failCause(Cause.die(new Error(note.detail))))
        return
      case "Advanced": {
        const { bytes, totalBytes } = note
        this.happened(new Advanced({ request, bytes, totalBytes }, unchecked))
        return
      }
      case "Retrying": {
        const { attempt, delayMillis } = note
        const error = errorOf(note.error)
        this.happened(new Retrying({ request, error, attempt, delayMillis }, unchecked))
        return
      }
      case "Ask": {
        const { id, permit } = note
        this.obtain(permit, note.origin, () => this.member?.write({ _tag: "Granted", id, permit }))
        return
      }
      case "Release":
        this.permits[note.permit]?.()
        this.permits[note.permit] = undefined
        return
      case "Parked":
        this.park(note.is)
    }
  }

  // Given back at once: who waits for the permits shall not wait for the events.
  private end(exit: Effect.Effect<Saved | Skipped, DownloadError>): void {
    this.close()
    this.exit ??= exit
    this.wake?.()
  }

  private happened(event: DownloadEvent): void {
    this.events.push(event)
    this.wake?.()
  }

  private park(is: boolean): void {
    if (this.isParked !== is) {
      this.isParked = is
      this.hooks.ask?.onParked?.(is)
    }
  }

  private obtain(permit: number, origin: string, granted: () => void): void {
    const { ask } = this.hooks
    const atOnce = this.governor.atOnce?.permit(origin, ask)
    if (atOnce !== undefined) {
      this.permits[permit] = atOnce
      granted()
      return
    }
    // It may be given in the very moment in which nobody wants it any more.
    const hold = Effect.suspend(() => {
      if (this.isClosed) {
        return Effect.void
      }
      granted()
      return holding
    })
    const holder = this.fork(this.governor.withPermit(origin, ask)(hold))
    this.permits[permit] = () => holder.unsafeInterruptAsFork(holder.id())
    if (this.isClosed) {
      this.close()
    }
  }
}

// Without the timer of `Effect.never`.
const holding: Effect.Effect<never> = Effect.async(() => {})
