/**
 * Runs the HTTP/1.1 client of `Node/Transport` with pipelining against an origin with a drawn fault, and checks that each file has its own
 * content, that no request fails because of another one, and that requests are sent together only when they may.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { ConnectionLimit } from "../../src/Node/descriptors.js"
import * as Client from "../../src/Node/Transport/http1/client.js"
import type { Exchange, Receiver, ResponseHead } from "../../src/Transport.js"
import { drawing } from "../support/drawing.js"
import { bodyOf, type Fault, faults, Origin } from "./Origin.js"

export interface Result {
  readonly fault: Fault
  /** The largest number of requests in a write. */
  readonly together: number
  readonly violations: ReadonlyArray<string>
}

const turn = () =>
  new Promise<void>((resolve) => {
    setImmediate(resolve)
  })

export const run = async (seed: number): Promise<Result> => {
  const draw = drawing(seed)
  const whole = (least: number, most: number) => least + Math.floor(draw() * (most - least + 1))
  const fault = faults[seed % faults.length] ?? "none"
  const origin = new Origin(fault, whole(40, 150), draw)
  const { violations } = origin
  const timers = new Set<() => void>()
  const { clearTimeout: clearReal, setTimeout: setReal } = globalThis
  // The client waits for a second before it gives up a connection. Here that time passes when nothing else can happen.
  const handles = new Map<unknown, () => void>()
  Object.assign(globalThis, {
    setTimeout: (call: () => void) => {
      const handle = { unref: () => handle, ref: () => handle, hasRef: () => false }
      const due = () => {
        timers.delete(due)
        call()
      }
      handles.set(handle, due)
      timers.add(due)
      return handle
    },
    clearTimeout: (handle: unknown) => {
      const due = handles.get(handle)
      if (due !== undefined) {
        timers.delete(due)
      }
    }
  })
  try {
    const client = Client.make({
      connectMillis: 10_000,
      connect: origin.connect,
      pipeline: whole(2, 10),
      limit: new ConnectionLimit(() => ({ all: 1000, open: 24 }))
    })
    const files = Array.from({ length: 300 }, (_, index) => {
      const kind = draw() < 0.03 ? "alone" : "file"
      return `/${kind}/${index}-${draw() < 0.1 ? 0 : whole(1, 3000)}`
    })
    let next = 0
    let inFlight = 0
    const concurrency = whole(4, 16)
    const closing: Array<Effect.Effect<void>> = []
    const paused = new Set<() => void>()
    const downloads = new Map<string, Download>()
    const begin = () => {
      const path = files[next++]
      if (path !== undefined) {
        inFlight++
        const download = new Download(path, origin, draw, paused, () => {
          inFlight--
        })
        downloads.set(path, download)
        download.start(client, draw() < 0.02)
        if (download.isInterrupted) {
          closing.push(download.close)
        }
      }
    }
    let idle = 0
    while (inFlight > 0 || next < files.length) {
      // Several callers continue in one turn.
      while (inFlight < concurrency && next < files.length && draw() < 0.7) {
        begin()
      }
      if (draw() < 0.5) {
        for (const resume of paused) {
          paused.delete(resume)
          resume()
        }
      }
      if (closing.length > 0 && draw() < 0.2) {
        Effect.runFork(closing.shift() ?? Effect.void)
      }
      await turn()
      idle = origin.step() || paused.size > 0 || closing.length > 0 ? 0 : idle + 1
      if (idle > 5 && inFlight > 0) {
        for (const due of [...timers]) {
          due()
        }
      }
      if (idle > 50) {
        // The engine gives up a request without a response.
        for (const path of origin.silenced) {
          Effect.runFork(downloads.get(path)?.close ?? Effect.void)
        }
      }
      if (idle > 200) {
        violations.push(`${inFlight} requests without an end`)
        break
      }
    }
    Effect.runFork(client.close)
    await turn()
    await turn()
  } finally {
    Object.assign(globalThis, { setTimeout: setReal, clearTimeout: clearReal })
  }
  return { fault, together: origin.together, violations }
}

class Download implements Receiver {
  isInterrupted = false
  private status = 0
  private readonly chunks: Array<Buffer> = []
  // A chunk that is read when the body is resumed.
  private held: Uint8Array | undefined
  private isHeld = false
  private isOver = false
  private exchange: Exchange | undefined

  constructor(
    private readonly path: string,
    private readonly origin: Origin,
    private readonly draw: () => number,
    private readonly paused: Set<() => void>,
    private readonly onOver: () => void
  ) {}

  start(client: Client.Client, isInterrupted: boolean): void {
    this.isInterrupted = isInterrupted
    const request = {
      url: `http://origin.test${this.path}`,
      headers: {},
      mayPipeline: !this.path.startsWith("/alone/")
    }
    this.exchange = Effect.runSync(client.send(request, this))
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    if (this.isOver) {
      return Effect.void
    }
    this.end()
    return this.exchange?.close ?? Effect.void
  })

  onInformational(): void {}

  onHeld(isHeld: boolean): void {
    this.check()
    this.isHeld = isHeld
  }

  onHead(head: ResponseHead): boolean {
    this.check()
    if (this.isHeld) {
      this.origin.violations.push(`${this.path}: a head while the request waits`)
    }
    this.status = head.status
    return this.mayGoOn()
  }

  onChunk(chunk: Uint8Array): boolean {
    this.check()
    if (this.mayGoOn()) {
      this.chunks.push(Buffer.from(chunk))
      return true
    }
    this.held = chunk
    return false
  }

  onEnd(exit: Exit.Exit<void, unknown>): void {
    this.check()
    this.end()
    const { origin, path } = this
    const body = Buffer.concat(this.chunks).toString("latin1")
    const isLarge = body.length === 100_000 && origin.fault === "large"
    if (Exit.isSuccess(exit) && body !== bodyOf(path) && !isLarge) {
      origin.violations.push(`${path} has the content ${JSON.stringify(body.slice(0, 40))} with ${this.status}`)
    }
    const isOwn = origin.sent.some((sent) => sent.path === path && (sent.bytes > 0 || sent.together === 1))
    if (Exit.isFailure(exit) && !isOwn) {
      origin.violations.push(`${path} has failed because of another request`)
    }
  }

  private mayGoOn(): boolean {
    if (this.draw() < 0.9) {
      return true
    }
    this.paused.add(() => {
      if (this.held !== undefined) {
        this.chunks.push(Buffer.from(this.held))
        this.held = undefined
      }
      this.exchange?.resume()
    })
    return false
  }

  private end(): void {
    if (!this.isOver) {
      this.isOver = true
      this.onOver()
    }
  }

  private check(): void {
    if (this.isOver) {
      this.origin.violations.push(`${this.path}: a call after the end`)
    }
  }
}
