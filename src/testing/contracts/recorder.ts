/**
 * The receiver of the transport contract: records the calls of an exchange.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Exchange, Receiver, ResponseHead, TransportError } from "../../Transport.js"
import { ContractBroken, expect } from "./Case.js"

// Ends a case of a backend that never pauses or ends, and says nothing about how fast a backend is.
const longest = "20 seconds"

/** When a receiver pauses the body. */
export type Pause = "never" | "head" | "chunk" | "head and chunk"

/** Receives a response, and notes each call that breaks the contract. */
export class Recorder implements Receiver {
  head: ResponseHead | undefined
  text = ""
  exit: Exit.Exit<void, TransportError> | undefined
  /** The chunk that paused the body. */
  chunk: Uint8Array | undefined
  state: "sending" | "sent" | "paused" | "ended" | "closed" = "sending"
  calls = 0
  private readonly wrong: Array<string> = []
  private wake: (() => void) | undefined

  constructor(private readonly pause: Pause) {}

  readonly onInformational = (): void => this.note("onInformational", this.head !== undefined && "after onHead")

  readonly onHeld = (isHeld: boolean): void => this.note(`onHeld(${isHeld})`, this.head !== undefined && "after onHead")

  readonly onHead = (head: ResponseHead): boolean => {
    this.note("onHead", this.head !== undefined && "a second time")
    this.head = head
    return this.paused("head")
  }

  readonly onChunk = (chunk: Uint8Array): boolean => {
    this.note("onChunk", this.head === undefined && "before onHead")
    this.text += decode(chunk)
    this.chunk = chunk
    return this.paused("chunk")
  }

  readonly onEnd = (exit: Exit.Exit<void, TransportError>): void => {
    this.note("onEnd", Exit.isSuccess(exit) && this.head === undefined && "with success before onHead")
    this.exit = exit
    this.state = "ended"
    this.wake?.()
  }

  private note(call: string, problem: string | false): void {
    this.calls++
    if (this.state !== "sent") {
      this.wrong.push(`${call} ${when[this.state]}`)
    }
    if (problem !== false) {
      this.wrong.push(`${call} ${problem}`)
    }
  }

  private paused(at: "head" | "chunk"): boolean {
    if (!this.pause.includes(at)) {
      return true
    }
    this.state = "paused"
    this.wake?.()
    return false
  }

  resume(exchange: Exchange): void {
    this.state = "sent"
    exchange.resume()
  }

  /** Suspends until the body is paused or the exchange has ended. */
  readonly stopped: Effect.Effect<void, ContractBroken> = Effect.timeoutFail(
    Effect.async<void>((resume) => {
      this.wake = () => {
        this.wake = undefined
        resume(Effect.void)
      }
      if (this.state === "paused" || this.state === "ended") {
        this.wake()
      }
    }),
    {
      duration: longest,
      onTimeout: () =>
        new ContractBroken({
          expected: "a pause or onEnd within 20 seconds",
          actual: this.wrong.length === 0 ? `${this.calls} calls of the receiver` : this.wrong.join(", ")
        })
    }
  )

  get error(): TransportError | undefined {
    return this.exit !== undefined && Exit.isFailure(this.exit)
      ? Option.getOrUndefined(Cause.failureOption(this.exit.cause))
      : undefined
  }

  readonly isRight: Effect.Effect<void, unknown> = Effect.suspend(() =>
    expect(this.wrong.length === 0, "no call of the receiver that the contract excludes", this.wrong.join(", "))
  )
}

const when = {
  sending: "before send has returned",
  sent: "",
  paused: "while the body is paused",
  ended: "after onEnd",
  closed: "after close has started"
}

/** How an exchange ended, in words. */
export const told = (exit: Exit.Exit<void, TransportError> | undefined): string =>
  exit === undefined
    ? "no onEnd"
    : Exit.match(exit, {
        onSuccess: () => "onEnd with success",
        onFailure: (cause) => {
          const failure = Option.getOrUndefined(Cause.failureOption(cause))
          return `onEnd with ${failure === undefined ? `a defect: ${Cause.squash(cause)}` : failure._tag}`
        }
      })

export const decode = (chunk: Uint8Array): string => new TextDecoder().decode(chunk)
