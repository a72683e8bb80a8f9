/**
 * The events and the spans of the callers that wait for one transfer.
 *
 * @internal
 */
import type { DownloadRequest } from "../Download.js"
import {
  Advanced,
  Blocked,
  Exchanged,
  MirrorGivenUp,
  Paused,
  Responded,
  Retrying,
  Unblocked
} from "../DownloadEvent.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { EventSink, TraceSource, TransferEvent } from "./hooks.js"
import type { TransferTrace } from "./trace.js"

/** A caller that waits for a transfer which another caller started. It receives the events with its own request. */
interface Follower {
  readonly request: DownloadRequest
  readonly events: EventSink | undefined
  readonly trace: TransferTrace | undefined
}

export class CallerEvents implements EventSink, TraceSource {
  private followers: Set<Follower> | undefined

  constructor(
    /** The events of the caller that started the transfer. Undefined after that caller was interrupted. */
    public starter: EventSink | undefined,
    /** The trace of that caller. */
    public starterTrace: TransferTrace | undefined
  ) {}

  /** Call it when the caller that started the transfer was interrupted, and others wait for the transfer. */
  starterLeft(): void {
    this.starter = undefined
    this.starterTrace = undefined
  }

  get trace(): TransferTrace | undefined {
    if (this.starterTrace !== undefined || this.followers === undefined) {
      return this.starterTrace
    }
    for (const { trace } of this.followers) {
      if (trace !== undefined) {
        return trace
      }
    }
    return undefined
  }

  get hasListener(): boolean {
    return this.starter?.hasListener === true || this.hasListeningFollower
  }

  send(event: TransferEvent): void {
    let isShared = this.starter?.hasListener === true
    if (isShared) {
      this.starter?.send(event)
    }
    for (const { events, request } of this.followers ?? []) {
      events?.send(forRequest(request, event, isShared))
      isShared ||= events !== undefined
    }
  }

  private get hasListeningFollower(): boolean {
    for (const { events } of this.followers ?? []) {
      if (events !== undefined) {
        return true
      }
    }
    return false
  }

  /** Sends events and spans to a caller from now on. Returns the function that ends that. */
  follow(request: DownloadRequest, sink: EventSink | undefined, trace: TransferTrace | undefined): () => void {
    const events = sink?.hasListener === true ? sink : undefined
    if (events === undefined && trace === undefined) {
      return () => {}
    }
    const follower: Follower = { request, events, trace }
    this.followers ??= new Set()
    this.followers.add(follower)
    return () => this.followers?.delete(follower)
  }
}

/** The event with another request for the same file in its place. `isShared`: another caller has it too. */
const forRequest = (request: DownloadRequest, event: TransferEvent, isShared: boolean): TransferEvent => {
  switch (event._tag) {
    case "Advanced":
      return Unvalidated.make(Advanced, { ...event, request })
    case "Exchanged":
      return Unvalidated.make(Exchanged, isShared ? { ...event, request, isShared } : { ...event, request })
    case "MirrorGivenUp":
      return Unvalidated.make(MirrorGivenUp, { ...event, request })
    case "Paused":
      return Unvalidated.make(Paused, { ...event, request })
    case "Unblocked":
      return Unvalidated.make(Unblocked, { ...event, request })
    case "Blocked":
      return Unvalidated.make(Blocked, { ...event, request })
    case "Responded":
      return Unvalidated.make(Responded, { ...event, request })
    case "Retrying":
      return Unvalidated.make(Retrying, { ...event, request })
  }
}
