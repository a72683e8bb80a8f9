/**
 * A transfer that a thread carries out, seen from the calling thread, which has the governor: no thread begins an attempt
 * for which it has no permit, and a permit is free again when its thread says so, or has ended.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { type DownloadRequest, Failed, Saved, Skipped } from "../Download.js"
import { type DownloadError, WorkerLost } from "../DownloadError.js"
import { Advanced, type DownloadEvent, Retrying } from "../DownloadEvent.js"
import { displayUrl } from "./displayUrl.js"
import type { Hooks } from "./hooks.js"
import type { Line, Lines, Waiting } from "./threadLine.js"
import { type AboutOne, errorOf, plainRequest } from "./threadNotes.js"
import type { Carried, Member, Pool } from "./threadPool.js"
import * as Unchecked from "./unchecked.js"

let nextId = 0
let nextPermit = 0

export class Carriage implements Carried {
  private readonly id = nextId++
  private member: Member | undefined
  /** The permit that goes along with the request. */
  private first: number | undefined
  private isSent = false
  private isGivenUp = false
  private readonly permits = new Map<number, () => void>()
  /** By the number under which they were asked for; 0 is for the request's own origin. */
  private readonly waiting = new Map<number, { readonly line: Line; readonly one: Waiting }>()
  private readonly events: Array<DownloadEvent> = []
  private exit: Effect.Effect<Saved | Skipped, DownloadError> | undefined
  private wake: (() => void) | undefined
  private parked = 0

  constructor(
    private readonly request: DownloadRequest,
    private readonly origin: string,
    private readonly hooks: Hooks,
    private readonly lines: Lines,
    private readonly pool: Pool
  ) {}

  /** Sends the request to a thread, with a permit where there is one at once. */
  begin(): void {
    this.member = this.pool.choose()
    if (this.member === undefined) {
      this.lost()
      return
    }
    this.member.carried.set(this.id, this)
    this.ask(0, this.origin)
    this.isSent = true
    this.member.write({
      _tag: "Carry",
      id: this.id,
      run: this.lines.runOf(this.hooks.ask),
      permit: this.first,
      tells: this.hooks.event !== undefined,
      request: plainRequest(this.request)
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
    this.isGivenUp = true
    if (this.exit === undefined) {
      this.member?.write({ _tag: "GiveUp", id: this.id })
    }
    return this.ended
  })

  private readonly ended: Effect.Effect<void> = Effect.suspend(() => {
    // Nobody is told any more.
    this.events.length = 0
    return this.exit === undefined ? Effect.zipRight(this.something, this.ended) : Effect.void
  })

  /** Gives back what it has; to be called at the end, whatever it was. */
  close(): void {
    this.member?.carried.delete(this.id)
    for (const { line, one } of this.waiting.values()) {
      line.leave(one)
    }
    for (const release of this.permits.values()) {
      release()
    }
    this.permits.clear()
    while (this.parked > 0) {
      this.park(false)
    }
  }

  /** Its thread has ended; where that never worked, another one takes its place. */
  lost(): void {
    if (this.member?.hasWorked === false && this.exit === undefined && !this.isGivenUp) {
      this.close()
      this.first = undefined
      this.isSent = false
      this.begin()
      return
    }
    this.end(new WorkerLost({ url: displayUrl(this.request.url) }))
  }

  told(note: AboutOne): void {
    const { request } = this
    switch (note._tag) {
      case "Saved": {
        const { attempts, bytes, destination, verified } = note
        const saved = Unchecked.make(Saved, { request, destination, bytes, verified, attempts })
        this.hooks.decide(saved)
        this.end(Effect.succeed(saved))
        return
      }
      case "Skipped": {
        const skipped = Unchecked.make(Skipped, { request })
        this.hooks.decide(skipped)
        this.end(Effect.succeed(skipped))
        return
      }
      case "Failed": {
        const error = errorOf(note.error)
        // The thread has decided: where it was given up in time, it says so.
        this.hooks.decide(Unchecked.make(Failed, { request, error }))
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
        this.happened(Unchecked.make(Advanced, { request, bytes, totalBytes }))
        return
      }
      case "Retrying": {
        const { attempt, delayMillis } = note
        const error = errorOf(note.error)
        this.happened(Unchecked.make(Retrying, { request, error, attempt, delayMillis }))
        return
      }
      case "Ask":
        this.ask(note.ask, note.origin)
        return
      case "AskNoMore":
        this.askNoMore(note.ask)
        return
      case "Release":
        this.taken(note.permit)?.()
        return
      case "Passed": {
        const release = this.taken(note.permit)
        const other = this.member?.carried.get(note.to)
        if (other === undefined) {
          release?.()
        } else if (release !== undefined) {
          other.passed(note.permit, release)
        }
        return
      }
      case "Parked":
        this.park(note.is)
    }
  }

  /** Has a permit that another request had. */
  passed(permit: number, release: () => void): void {
    this.permits.set(permit, release)
    this.askNoMore(0)
  }

  private ask(ask: number, origin: string): void {
    const one: Waiting = {
      granted: (release) => {
        const permit = nextPermit++
        this.waiting.delete(ask)
        this.permits.set(permit, release)
        if (this.isSent) {
          this.member?.write({ _tag: "Granted", id: this.id, permit, ask })
        } else {
          this.first = permit
        }
      },
      park: (is) => this.park(is)
    }
    const line = this.lines.of(this.hooks.ask, origin)
    this.waiting.set(ask, { line, one })
    line.join(one)
  }

  private askNoMore(ask: number): void {
    const found = this.waiting.get(ask)
    this.waiting.delete(ask)
    found?.line.leave(found.one)
  }

  private taken(permit: number): (() => void) | undefined {
    const release = this.permits.get(permit)
    this.permits.delete(permit)
    return release
  }

  // Permits are given back at once: who waits for them shall not wait for the events.
  private end(exit: Effect.Effect<Saved | Skipped, DownloadError>): void {
    this.close()
    this.exit ??= exit
    this.wake?.()
  }

  private happened(event: DownloadEvent): void {
    this.events.push(event)
    this.wake?.()
  }

  /** Counted, because several of its parts can wait for the origin; told where the first begins and the last is done. */
  private park(is: boolean): void {
    this.parked += is ? 1 : -1
    if (this.parked === (is ? 1 : 0)) {
      this.hooks.ask?.onParked?.(is)
    }
  }
}
