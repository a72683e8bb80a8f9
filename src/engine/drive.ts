/**
 * Waits for a response by effects: for its head, and for its body as far as the caller takes it.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Exchange, Receiver, ResponseHead, Transport, TransportError, TransportRequest } from "../Transport.js"

export interface TransportResponse extends ResponseHead {
  /** Delivers the body from where the last call stopped, until its end or until `onChunk` returns false. */
  readonly drive: (onChunk: (chunk: Uint8Array) => boolean) => Effect.Effect<"Ended" | "Paused", TransportError>
}

/** Receives a response by calls, until it returns false or `onStop` is called. Then the exchange continues by effects. */
export interface Direct {
  readonly onHead: (response: TransportResponse) => boolean
  readonly onChunk: (chunk: Uint8Array) => boolean
  readonly onEnd: () => void
  readonly onStop: () => void
}

export class Drive implements Receiver, TransportResponse {
  status = 0
  headers: ResponseHead["headers"] = {}
  private exchange: Exchange | undefined
  private hasHead = false
  private exit: Exit.Exit<void, TransportError> | undefined
  private take: ((chunk: Uint8Array) => boolean) | undefined
  // A chunk that came after `drive` was interrupted.
  private kept: Uint8Array | undefined
  private wake: (() => void) | undefined

  constructor(
    private readonly transport: typeof Transport.Service,
    private readonly request: TransportRequest,
    readonly onInformational: () => void,
    readonly onHeld: (isHeld: boolean) => void,
    private direct?: Direct
  ) {}

  /** Sends the request. To be run uninterruptible, and once. */
  send(): Effect.Effect<void> {
    const sent = this.transport.send(this.request, this)
    if (isExit(sent) && Exit.isSuccess(sent)) {
      this.exchange = sent.value
      return Exit.void
    }
    return Effect.map(sent, (exchange) => {
      this.exchange = exchange
    })
  }

  /** Sends the request if it was not sent, and waits for the head. */
  readonly response: Effect.Effect<TransportResponse, TransportError> = Effect.suspend(() =>
    this.exchange === undefined
      ? Effect.zipRight(
          Effect.uninterruptible(Effect.suspend(() => this.send())),
          Effect.suspend(() => this.head)
        )
      : this.head
  )

  readonly close: Effect.Effect<void> = Effect.suspend(() => this.exchange?.close ?? Effect.void)

  private get head(): Effect.Effect<TransportResponse, TransportError> {
    return this.until(() =>
      this.hasHead
        ? Effect.succeed(this)
        : this.exit === undefined
          ? undefined
          : Effect.zipRight(this.exit, Effect.dieMessage("a response without a head"))
    )
  }

  readonly drive: TransportResponse["drive"] = (onChunk) =>
    Effect.suspend(() => {
      const { kept } = this
      this.kept = undefined
      if (kept !== undefined && !onChunk(kept)) {
        return Effect.succeed("Paused" as const)
      }
      let isPaused = false
      this.take = (chunk) => {
        isPaused = !onChunk(chunk)
        return !isPaused
      }
      const ended = this.until(() =>
        isPaused ? Effect.succeed("Paused" as const) : this.exit && Effect.as(this.exit, "Ended" as const)
      )
      if (this.exit === undefined) {
        this.exchange?.resume()
      }
      return Effect.ensuring(
        ended,
        Effect.sync(() => {
          this.take = undefined
        })
      )
    })

  onHead(head: ResponseHead): boolean {
    this.status = head.status
    this.headers = head.headers
    this.hasHead = true
    this.wake?.()
    return this.told((direct) => direct.onHead(this))
  }

  onChunk(chunk: Uint8Array): boolean {
    if (this.direct !== undefined) {
      return this.told((direct) => direct.onChunk(chunk))
    }
    if (this.take === undefined) {
      this.kept = new Uint8Array(chunk)
      return false
    }
    const isMore = this.take(chunk)
    if (!isMore) {
      this.wake?.()
    }
    return isMore
  }

  onEnd(exit: Exit.Exit<void, TransportError>): void {
    const { direct } = this
    this.exit = exit
    this.direct = undefined
    this.wake?.()
    if (Exit.isSuccess(exit)) {
      direct?.onEnd()
    } else {
      direct?.onStop()
    }
  }

  private told(tell: (direct: Direct) => boolean): boolean {
    const isMore = this.direct !== undefined && tell(this.direct)
    if (!isMore) {
      this.direct = undefined
    }
    return isMore
  }

  /** Suspends until `take` gives an effect, and runs it. */
  private until<A, E>(take: () => Effect.Effect<A, E> | undefined): Effect.Effect<A, E> {
    return Effect.async((resume) => {
      const look = (): void => {
        const taken = take()
        if (taken !== undefined) {
          this.wake = undefined
          resume(taken)
        }
      }
      this.wake = look
      look()
    })
  }
}

const isExit = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Exit<A, E> => Exit.isExit(effect)
