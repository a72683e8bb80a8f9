/**
 * Decides how many requests an origin may have ahead on one connection (pipelining, RFC 9112 §9.3.2).
 *
 * The depth is 1 until the origin has answered several requests without a flaw. Then it grows by one step at a time. Its first
 * flaw, such as an early end, a byte too many, an error of the server or a version before HTTP/1.1, sets the depth to 1 for good.
 *
 * @internal
 */
import type { Connection } from "./connection.js"
import type { Head } from "./response/responseHead.js"

/** The maximum number of requests ahead on a connection. */
export const depthAtMost = 32

/** A larger body makes the requests behind it wait too long. */
export const smallBodyAtMostBytes: number = 64 * 1024

/** The number of responses that a connection must have brought before requests are sent ahead on it. */
export const provenAfterResponses = 3

// The number of small bodies for each step, times the depth.
const responsesPerStep = 16
// How much longer the proof takes after a setback, and the number of setbacks after which there is no other chance.
const setbackFactor = 4
const setbacksAtMost = 3
// An origin that closes its connections after fewer requests gains nothing.
const requestsAtLeast = 20

/**
 * What a response says about its origin. `small`: a small body with a length. `other`: neither a proof nor a flaw. `large`: a body
 * with a length that is not small. `last`: no request may follow on the connection. `flawed`: no requests are sent ahead to this origin.
 */
export type Verdict = "small" | "other" | "large" | "last" | "flawed"

export const judge = (head: Head, isHttp11: boolean, hasInformational: boolean): Verdict => {
  const { framing, keepAliveMillis, lengthBytes, status } = head
  if (!isHttp11 || hasInformational || framing !== "length" || isFlawed(status)) {
    return "flawed"
  }
  if (keepAliveMillis === 0) {
    return "last"
  }
  return lengthBytes > smallBodyAtMostBytes ? "large" : status === 200 ? "small" : "other"
}

// A challenge, a response to no request, an origin that is overloaded or wants another connection, and the errors of a server.
const isFlawed = (status: number): boolean =>
  status === 401 ||
  status === 407 ||
  status === 408 ||
  status === 421 ||
  status === 425 ||
  status === 429 ||
  status >= 500

export class PipelineDepth {
  private current = 1
  private small = 0
  private neededPerStep = responsesPerStep
  private setbacks = 0
  // The number of requests after which the origin closes a connection, if it is known.
  private requestsAtMost = Number.POSITIVE_INFINITY

  /** @param atMost The limit of the depth. */
  constructor(private readonly atMost: number) {}

  /** The depth on a connection that has brought this number of responses. */
  on(served: number): number {
    return served < provenAfterResponses ? 1 : Math.max(1, Math.min(this.current, this.requestsAtMost - served))
  }

  /** The depth on a connection that has proved itself. */
  get mostly(): number {
    return this.current
  }

  /** Counts small bodies that were received to their end. */
  onSmall(count: number): void {
    this.small += count
    if (this.current < this.atMost && this.small >= this.neededPerStep * this.current) {
      this.current++
      this.small = 0
    }
  }

  /** A response was received to its end, without others before or behind it. */
  onReleased({ served }: Connection, verdict: Verdict | undefined): void {
    if (served > this.requestsAtMost) {
      this.requestsAtMost = Number.POSITIVE_INFINITY
    }
    if (verdict === "small") {
      this.onSmall(1)
    } else if (verdict === "last") {
      this.requestsAtMost = served
      if (served < requestsAtLeast) {
        this.refuse()
      }
    }
  }

  /** A response has kept those behind it waiting: the origin has to prove itself again, and for longer. */
  setBack(): void {
    this.current = 1
    this.small = 0
    this.neededPerStep *= setbackFactor
    if (++this.setbacks === setbacksAtMost) {
      this.refuse()
    }
  }

  /** Sends no more requests ahead to this origin. */
  refuse(): void {
    this.current = 1
    this.neededPerStep = Number.POSITIVE_INFINITY
  }
}
