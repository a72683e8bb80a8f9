/**
 * A `Progress` with its queue of events.
 *
 * A listener receives one event after the other, in order. It never delays a transfer: while the listener handles an event,
 * later events wait in a bounded queue.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import type { DownloadRequest } from "../Download.js"
import type { DownloadEvent } from "../DownloadEvent.js"
import type { Progress } from "../Progress.js"
import type { Background } from "./background.js"

/** Maximum number of events in the queue. */
export const queueLength = 16_384

interface Entry {
  event: DownloadEvent
  /** The context and the fiber refs of the calling program. */
  readonly runtime: Runtime.Runtime<never>
}

/** Kinds of events, in the order in which a full queue drops them. */
type Kind = "Advanced" | "Other" | "Finished"

const kindOf = ({ event: { _tag } }: Entry): Kind => (_tag === "Advanced" || _tag === "Finished" ? _tag : "Other")

export class Listener {
  private queue: Array<Entry> = []
  // The index of the first entry in the queue.
  private next = 0
  // The last waiting entry of each request if it is an `Advanced`, which a later `Advanced` replaces.
  private readonly latest = new Map<DownloadRequest, Entry>()
  private readonly counts: Record<Kind, number> = { Advanced: 0, Other: 0, Finished: 0 }
  private isBusy = false
  private missed = 0
  private hasDied = false

  constructor(
    private readonly progress: typeof Progress.Service,
    private readonly background: Background
  ) {}

  /** Sends an event, or adds it to the queue. Does not throw. */
  receive(event: DownloadEvent, runtime: Runtime.Runtime<never>): void {
    if (this.isBusy) {
      this.enqueue({ event, runtime })
    } else {
      this.isBusy = true
      this.send({ event, runtime })
    }
  }

  /** Sends an event and those that wait, until the listener suspends. */
  private send(first: Entry): void {
    let last = first
    for (let entry: Entry | undefined = first; entry !== undefined; entry = this.dequeue()) {
      last = entry
      const { runtime } = entry
      const effect = this.effectOf(entry.event)
      const exit = Exit.isExit(effect)
        ? effect
        : this.background.start(runtime, effect, (ended) => {
            this.onEnd(ended, runtime)
            this.sendNext(runtime)
          })
      if (exit === undefined) {
        return
      }
      this.onEnd(exit, runtime)
    }
    this.becomeIdle(last.runtime)
  }

  private sendNext(runtime: Runtime.Runtime<never>): void {
    if (this.background.isClosed) {
      this.missed += this.queue.length - this.next
      this.clear()
    }
    const entry = this.dequeue()
    if (entry === undefined) {
      this.becomeIdle(runtime)
    } else {
      this.send(entry)
    }
  }

  private becomeIdle(runtime: Runtime.Runtime<never>): void {
    const { missed } = this
    this.isBusy = false
    if (missed > 0) {
      this.missed = 0
      Runtime.runFork(runtime, Effect.logWarning(`A Progress listener was too slow: it missed ${missed} events.`))
    }
  }

  private effectOf(event: DownloadEvent): Effect.Effect<void> {
    try {
      return this.progress.event(event)
    } catch (defect) {
      return Exit.die(defect)
    }
  }

  private onEnd(exit: Exit.Exit<unknown, unknown>, runtime: Runtime.Runtime<never>): void {
    if (Exit.isSuccess(exit)) {
      return
    }
    if (this.background.isClosed && Cause.isInterruptedOnly(exit.cause)) {
      this.missed++
    } else if (!this.hasDied) {
      this.hasDied = true
      Runtime.runFork(
        runtime,
        Effect.logError("A Progress listener died of an event. The transfers go on.", exit.cause)
      )
    }
  }

  private enqueue(entry: Entry): void {
    const { event } = entry
    const request = event._tag === "Finished" ? event.outcome.request : event.request
    if (event._tag === "Advanced") {
      const waiting = this.latest.get(request)
      if (waiting !== undefined) {
        waiting.event = event
        return
      }
    }
    if (this.queue.length - this.next >= queueLength && !this.makeRoom(kindOf(entry))) {
      this.missed++
      return
    }
    if (event._tag === "Advanced") {
      this.latest.set(request, entry)
    } else {
      this.latest.delete(request)
    }
    this.counts[kindOf(entry)]++
    this.queue.push(entry)
  }

  /** Makes room in a full queue by dropping an entry of a less important kind. */
  private makeRoom(kind: Kind): boolean {
    const least = (["Advanced", "Other"] as const).find((other) => other !== kind && this.counts[other] > 0)
    if (kind === "Advanced" || least === undefined) {
      return false
    }
    this.queue = this.queue.slice(this.next).filter((entry) => kindOf(entry) !== least)
    this.next = 0
    this.missed += this.counts[least]
    this.counts[least] = 0
    if (least === "Advanced") {
      this.latest.clear()
    }
    return true
  }

  private dequeue(): Entry | undefined {
    const entry = this.queue[this.next]
    if (entry === undefined) {
      // Most events find the queue empty, and two empty tables for each of them are garbage.
      if (this.next > 0) {
        this.clear()
      }
      return undefined
    }
    this.next++
    // Entries that were taken are removed in batches.
    if (this.next * 2 > this.queue.length && this.next > 64) {
      this.queue = this.queue.slice(this.next)
      this.next = 0
    }
    this.counts[kindOf(entry)]--
    if (entry.event._tag === "Advanced" && this.latest.get(entry.event.request) === entry) {
      this.latest.delete(entry.event.request)
    }
    return entry
  }

  private clear(): void {
    this.queue = []
    this.next = 0
    this.latest.clear()
    this.counts.Advanced = 0
    this.counts.Other = 0
    this.counts.Finished = 0
  }
}
