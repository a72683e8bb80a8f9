/**
 * An origin without sockets, for pipelined requests. It answers the requests of each connection in their order, in drawn pieces,
 * and has one drawn fault after some flawless responses.
 */
import type { Connect, WireEvents } from "../../src/Node/Transport/sockets.js"

export const faults = [
  "none",
  "end between responses",
  "reset in a response",
  "connection: close",
  "limit of requests",
  "chunked",
  "informational",
  "HTTP/1.0",
  "not found",
  "unavailable",
  "large",
  "silence",
  "response too many between others",
  "response too many at the end",
  "response before its request",
  "bytes too many"
] as const
export type Fault = (typeof faults)[number]

/** Those after which no two requests may be sent together. */
const flaws: ReadonlySet<Fault> = new Set<Fault>([
  "end between responses",
  "reset in a response",
  "chunked",
  "informational",
  "HTTP/1.0",
  "unavailable",
  "response too many between others",
  "response too many at the end",
  "response before its request",
  "bytes too many"
])

interface Sent {
  readonly path: string
  /** The number of requests in the same write. */
  readonly together: number
  /** The number of bytes of its response that the client has received. */
  bytes: number
}

export const bodyOf = (path: string): string => {
  const size = Number(/\d+$/.exec(path)?.[0] ?? 0)
  return `${path}|`.repeat(Math.ceil(size / (path.length + 1))).slice(0, size)
}

const stray = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nSTRAY"

export class Origin {
  readonly violations: Array<string> = []
  readonly sent: Array<Sent> = []
  /** Requests whose responses never end. */
  readonly silenced = new Set<string>()
  /** The largest number of requests in a write. */
  together = 0
  isFlawed = false
  private answered = 0
  private readonly connections = new Set<OriginConnection>()

  constructor(
    readonly fault: Fault,
    /** The number of responses before the fault. */
    private readonly faultAfter: number,
    readonly draw: () => number
  ) {}

  readonly connect: Connect = (_target, events) => {
    const connection = new OriginConnection(this, events)
    this.connections.add(connection)
    return connection
  }

  /** Lets each connection send something. Returns false if none has anything to send. */
  step(): boolean {
    let isActive = false
    for (const connection of this.connections) {
      isActive = connection.step() || isActive
    }
    return isActive
  }

  get isFaultDue(): boolean {
    return this.fault !== "none" && this.answered >= this.faultAfter
  }

  onFault(): void {
    this.isFlawed ||= flaws.has(this.fault)
  }

  onSent(paths: ReadonlyArray<string>, served: number): ReadonlyArray<Sent> {
    const together = paths.length
    this.together = Math.max(this.together, together)
    if (together > 1) {
      if (this.isFlawed) {
        this.violations.push(`${together} requests together after the fault`)
      }
      if (served < 3 || this.answered < 16) {
        this.violations.push(`${together} requests together before the proof`)
      }
      for (const path of paths) {
        if (path.includes("/alone/")) {
          this.violations.push(`${path} is not alone`)
        }
        if (this.sent.some((earlier) => earlier.path === path)) {
          this.violations.push(`${path} is sent together with others a second time`)
        }
      }
    }
    const sent = paths.map((path): Sent => ({ path, together, bytes: 0 }))
    this.sent.push(...sent)
    if (this.sent.filter(({ path }) => path === paths[0]).length > 3) {
      this.violations.push(`${paths[0]} is sent too often`)
    }
    return sent
  }

  onAnswered(): void {
    this.answered++
  }
}

interface Piece {
  bytes: Buffer
  readonly request: Sent | undefined
  /** After the last byte. */
  readonly then?: "end" | "reset" | "silence" | undefined
  readonly isFault: boolean
}

class OriginConnection {
  readonly stopsAtOnce = true
  private readonly requests: Array<Sent> = []
  private readonly pieces: Array<Piece> = []
  private served = 0
  private isConnected = false
  private isPaused = false
  private isDestroyed = false
  private isSilent = false
  private isReady = true
  private isBurst = false

  constructor(
    private readonly origin: Origin,
    private readonly events: WireEvents
  ) {}

  write(heads: string): void {
    const paths = [...heads.matchAll(/^GET (\S+) HTTP\/1\.1\r$/gm)].map(([, path = ""]) => path)
    this.isReady = false
    this.requests.push(...this.origin.onSent(paths, this.served))
  }

  resume(): void {
    this.isPaused = false
  }

  watchEnd(): void {}

  destroy(): void {
    if (!this.isDestroyed) {
      this.isDestroyed = true
      setImmediate(this.events.onClose)
    }
  }

  ref(isReferenced: boolean): void {
    this.isReady = true
    if (isReferenced && this.origin.fault === "response before its request" && this.origin.isFaultDue) {
      // The second tick is after a write of one request.
      process.nextTick(() =>
        process.nextTick(() => {
          if (this.isReady && this.requests.length === 0 && !this.isDestroyed) {
            this.origin.onFault()
            this.receive(Buffer.from(stray))
          }
        })
      )
    }
  }

  step(): boolean {
    if (this.isDestroyed || this.isSilent) {
      return false
    }
    if (!this.isConnected) {
      this.isConnected = true
      this.events.onConnect({ remoteAddress: undefined, lookupMillis: 0, connectMillis: 0, tlsMillis: undefined })
      return true
    }
    const { draw } = this.origin
    if (this.requests.length > 0 && this.pieces.length < 4 && draw() < 0.8) {
      this.answer()
    }
    if (this.isPaused || this.pieces.length === 0) {
      return this.requests.length > 0 || this.pieces.length > 0
    }
    const count = this.isBurst ? Number.POSITIVE_INFINITY : Math.ceil(draw() ** 2 * 6)
    for (let sent = 0; sent < count && !this.isPaused && !this.isDestroyed && this.pieces.length > 0; sent++) {
      this.send()
    }
    return true
  }

  private answer(): void {
    const { origin } = this
    const request = this.requests.shift()
    if (request === undefined) {
      return
    }
    const body = bodyOf(request.path)
    const plain = `HTTP/1.1 200 OK\r\nServer: test\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const isLast = this.requests.length === 0
    const add = (text: string, isFault: boolean, then?: Piece["then"]) =>
      this.pieces.push({ bytes: Buffer.from(text), request, isFault, then })
    origin.onAnswered()
    this.served++
    if (origin.fault === "limit of requests" && this.served === 25) {
      add(plain.replace("Server: test", "Connection: close"), true, "end")
      return
    }
    const mayFail = origin.isFaultDue && (request.together > 1 || origin.draw() < 0.1)
    switch (mayFail ? origin.fault : "none") {
      case "end between responses":
        return void add(plain, !isLast, "end")
      case "reset in a response":
        // A kept connection may end at any time without a response to the one request on it.
        return void add(
          plain.slice(0, Math.floor(origin.draw() * plain.length) + (request.together === 1 ? 1 : 0)),
          true,
          "reset"
        )
      case "connection: close":
        return void add(plain.replace("Server: test", "Connection: close"), true, "end")
      case "chunked":
        return void add(
          `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length === 0 ? "" : `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n`,
          true
        )
      case "informational":
        return void add(`HTTP/1.1 103 Early Hints\r\n\r\n${plain}`, true)
      case "HTTP/1.0":
        return void add(plain.replace("HTTP/1.1", "HTTP/1.0").replace("Server: test", "Connection: keep-alive"), true)
      case "not found":
        return void add(plain.replace("200 OK", "404 Not Found"), true)
      case "unavailable":
        return void add(plain.replace("200 OK", "503 Unavailable"), true)
      case "large":
        return void add(plain.replace(/Length: [\s\S]*/, `Length: 100000\r\n\r\n${"L".repeat(100_000)}`), true)
      case "silence":
        if (request.together === 1) {
          return void add(plain, false)
        }
        origin.silenced.add(request.path)
        return void add(plain.slice(0, Math.floor(origin.draw() * plain.length)), true, "silence")
      case "response too many between others":
        if (!isLast) {
          this.isBurst = true
          add(plain + stray, true)
          while (this.requests.length > 0) {
            const { path = "" } = this.requests.shift() ?? {}
            add(`HTTP/1.1 200 OK\r\nContent-Length: ${bodyOf(path).length}\r\n\r\n${bodyOf(path)}`, true)
          }
          return
        }
        return void add(plain, false)
      case "response too many at the end":
        return void add(isLast ? plain + stray : plain, isLast)
      case "bytes too many":
        return void add(`${plain}${"x".repeat(1 + Math.floor(origin.draw() * 20))}`, true)
      default:
        add(plain, false)
    }
  }

  /** Sends a part of the next piece. */
  private send(): void {
    const [piece] = this.pieces
    if (piece === undefined) {
      return
    }
    const { draw } = this.origin
    const isWhole = this.isBurst || draw() < 0.6
    const bytes = Math.min(32_768, isWhole ? piece.bytes.length : Math.ceil(draw() * piece.bytes.length))
    const part = piece.bytes.subarray(0, bytes)
    piece.bytes = piece.bytes.subarray(bytes)
    const isEnd = piece.bytes.length === 0
    if (isEnd) {
      this.pieces.shift()
      if (piece.isFault) {
        this.origin.onFault()
      }
    }
    if (piece.request !== undefined) {
      piece.request.bytes += part.length
    }
    if (part.length > 0) {
      this.receive(part)
    }
    if (isEnd && !this.isDestroyed) {
      if (piece.then === "end") {
        this.events.onEnd(true)
      } else if (piece.then === "reset") {
        this.events.onError(Object.assign(new Error("reset"), { code: "ECONNRESET" }))
      } else if (piece.then === "silence") {
        this.isSilent = true
      }
    }
  }

  private receive(bytes: Buffer): void {
    const buffer = this.events.nextBuffer()
    buffer.set(bytes)
    this.isPaused = !this.events.onData(bytes.length)
    // What was received is overwritten, as the system does.
    if (!this.isPaused) {
      buffer.fill(35, 0, bytes.length)
    }
  }
}
