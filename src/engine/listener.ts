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

/** The runtime for the effect of an event: the context and the fiber refs of the calling program. */
type Asker = Runtime.Runtime<never>

interface Entry {
  event: DownloadEvent
  readonly asker: Asker
}

/** Kinds of events, in the order in which a full queue drops them. */
type Kind = "Advanced" | "Passing" | "Finished"

const kindOf = ({ event: { _tag } }: Entry): Kind => (_tag === "Advanced" || _tag === "Finished" ? _tag : "Passing")

export class Listener {
  private queue: Array<Entry> = []
  // The index of the first entry in the queue.
  private next = 0
  // The last waiting entry of each request if it is an `Advanced`, which a later `Advanced` replaces.
  private readonly latest = new Map<DownloadRequest, Entry>()
  private readonly counts: Record<Kind, number> = { Advanced: 0, Passing: 0, Finished: 0 }
  private isBusy = false
  private missed = 0
  private hasDied = false

  constructor(
    private readonly progress: typeof Progress.Service,
    private readonly background: Background
  ) {}

  /** Does not throw. */
  tell(event: DownloadEvent, asker: Asker): void {
    if (this.isBusy) {
      this.enqueue(event, asker)
    } else {
      this.isBusy = true
      this.take({ event, asker })
    }
  }

  private take(first: Entry): void {
    let entry: Entry | undefined = first
    let { asker } = first
    let isSuspended = false
    while (entry !== undefined) {
      asker = entry.asker
      const effect = this.effectOf(entry.event)
      if (Exit.isExit(effect)) {
        this.took(effect, asker)
      } else {
        const { asker: by } = entry
        let isOver = false
        this.background.start(by, effect, (exit) => {
          isOver = true
          this.took(exit, by)
          if (isSuspended) {
            this.goOn(by)
          }
        })
        if (!isOver) {
          isSuspended = true
          return
        }
      }
      entry = this.dequeue()
    }
    this.rest(asker)
  }

  private goOn(asker: Asker): void {
    if (this.background.isClosed) {
      this.missed += this.queue.length - this.next
      this.clear()
    }
    const entry = this.dequeue()
    if (entry === undefined) {
      this.rest(asker)
    } else {
      this.take(entry)
    }
  }

  private rest(asker: Asker): void {
    const { missed } = this
    this.isBusy = false
    if (missed > 0) {
      this.missed = 0
      log(asker, Effect.logWarning(`A Progress listener was too slow: it missed ${missed} events.`))
    }
  }

  private effectOf(event: DownloadEvent): Effect.Effect<void> {
    try {
      return this.progress.event(event)
    } catch (defect) {
      return Exit.die(defect)
    }
  }

  private took(exit: Exit.Exit<unknown, unknown>, asker: Asker): void {
    if (Exit.isSuccess(exit)) {
      return
    }
    if (this.background.isClosed && Cause.isInterruptedOnly(exit.cause)) {
      this.missed++
    } else if (!this.hasDied) {
      this.hasDied = true
      log(asker, Effect.logError("A Progress listener died of an event. The transfers go on.", exit.cause))
    }
  }

  private enqueue(event: DownloadEvent, asker: Asker): void {
    const entry: Entry = { event, asker }
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
    const least = (["Advanced", "Passing"] as const).find((other) => other !== kind && this.counts[other] > 0)
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
      this.clear()
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
    this.counts.Passing = 0
    this.counts.Finished = 0
  }
}

/** Logs with the runtime of the calling program. */
const log = (asker: Asker, effect: Effect.Effect<void>): void => {
  Runtime.runFork(asker, effect)
}
