/**
 * The HTTP/1.1 client: connections by origin, directly on sockets, and the exchanges that use them.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { isTooManyOpenCode } from "../../../internal/descriptors.js"
import type * as Transport from "../../../Transport.js"
import * as Descriptors from "../../descriptors.js"
import type { Proxies } from "../proxy/proxies.js"
import type { Connect } from "../sockets.js"
import { Buffers, Connection } from "./connection.js"
import { Exchange } from "./exchange.js"
import type { Client as Connections } from "./exchangeClient.js"
import { IdleConnections } from "./idleConnections.js"
import { invalid } from "./invalidRequest.js"
import type { Verdict } from "./pipelineDepth.js"
import type { Pipeline } from "./pipelining/pipeline.js"
import { PipelinedExchange } from "./pipelining/pipelinedExchange.js"
import { Pipelines } from "./pipelining/pipelines.js"
import { Pool } from "./pool.js"
import { Refusals } from "./refusals.js"
import type { Head } from "./response/responseHead.js"
import { type Address, headOf, type RequestTarget, type Route, routeTo, targetFor, targetOf } from "./target.js"

export interface Settings {
  readonly connectMillis: number
  readonly connect: Connect
  /** Default: none. */
  readonly proxies?: Proxies | undefined
  /** Whether `connect` checks the addresses of origins. Default: false. */
  readonly checksAddresses?: boolean | undefined
  /** The maximum number of requests ahead on a connection. Default: 1, which sends each request when the one before is answered. */
  readonly pipeline?: number | undefined
  /** Default: the limit of this process. */
  readonly limit?: Descriptors.ConnectionLimit | undefined
}

export interface Client {
  readonly send: (request: Transport.TransportRequest, receiver: Transport.Receiver) => Exit.Exit<Transport.Exchange>
  /** Ends every connection, and waits until all sockets are closed. */
  readonly close: Effect.Effect<void>
}

// The keep-alive time of a connection whose server gives none. Servers keep a connection for 5 seconds or more.
const keepAliveMillis = 4000
const keepAliveAtMostMillis = 600_000

// When many responses end in one turn of the event loop, only some of the ends are delivered in that turn. Then their callers
// send the next requests while the other files are still written, and the origin is not left without requests. With 4 or 64
// ends, small files take 5 % longer than with 12.
const endsPerTurn = 12

/** A connection whose response has ended, or whose pipeline was received. */
type Ended = readonly [Pool, Connection, Pipeline | undefined]

export const make = (settings: Settings): Client => new Http1(settings)

class Http1 implements Client, Connections<Exchange> {
  readonly connectMillis: number
  isClosed = false
  private readonly pools = new Map<string, Pool>()
  private readonly all = new Set<Connection>()
  // The number of connections that were made.
  private made = 0
  private readonly buffers = new Buffers()
  // Connections whose response has ended in this turn of the event loop, and in the turn before.
  private ending: Array<Ended> = []
  private ended: Array<Ended> = []
  // Exchanges whose end is delivered in a later turn, and the number of ends that were delivered in this turn.
  private readonly complete: Array<Exchange> = []
  private delivered = 0
  private readonly idle = new IdleConnections()
  /** Undefined if each request is sent when the one before is answered. */
  private readonly pipelines: Pipelines | undefined
  // Pools with exchanges that wait because the process has reached its limit of connections.
  private readonly starved = new Set<Pool>()
  private stopWaiting: (() => void) | undefined
  private readonly refusals = new Refusals()
  private readonly limit: Descriptors.ConnectionLimit
  private readonly stopLending: () => void
  private turning: NodeJS.Immediate | undefined

  constructor(private readonly settings: Settings) {
    const { pipeline = 1 } = settings
    this.connectMillis = settings.connectMillis
    if (pipeline > 1) {
      this.pipelines = new Pipelines(pipeline, {
        onReceived: (pool, one) => this.keep(pool, one.connection, one.keepAliveMillis, one),
        onUnused: (pool, connection) => this.rest(pool, connection)
      })
    }
    this.limit = settings.limit ?? Descriptors.connections
    this.stopLending = Descriptors.lend(() => this.idle.closeOne())
  }

  readonly send: Client["send"] = (request, receiver) => {
    const to = placeOf(request.url)
    if (to === undefined) {
      return invalid(request, receiver, "it is not an absolute http: or https: URL")
    }
    const route = this.route(to.address)
    const [target, more] = targetFor(to, route)
    const head = headOf(target, to.address.host, request, more)
    if (head === undefined) {
      return invalid(request, receiver, "its method or a header cannot be sent")
    }
    const mayPipeline = this.pipelines !== undefined && request.mayPipeline === true && head.startsWith("GET ")
    const exchange = new (mayPipeline ? PipelinedExchange : Exchange)(this, route, request, head, receiver)
    exchange.start()
    return Exit.succeed(exchange)
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    this.idle.stop()
    this.pipelines?.stop()
    clearImmediate(this.turning)
    this.starved.clear()
    this.stopWaiting?.()
    this.stopLending()
    for (const exchange of [...this.pools.values()].flatMap(({ waiting }) => waiting.splice(0))) {
      exchange.fail(gone())
    }
    for (const exchange of this.refusals.clear()) {
      exchange.fail(gone())
    }
    const open = [...this.all]
    for (const connection of open) {
      connection.abort(gone())
    }
    for (const exchange of this.complete.splice(0)) {
      exchange.deliverEnd()
    }
    return Effect.forEach(open, (connection) => connection.awaitClosed, { discard: true })
  })

  connect(exchange: Exchange, isNew: boolean): void {
    if (this.isClosed) {
      exchange.fail(gone())
      return
    }
    const pool = this.pool(exchange.route)
    if (!isNew) {
      if (this.pipelines?.join(pool, exchange) === true) {
        return
      }
      const now = performance.now()
      for (let idle = pool.idle.pop(); idle !== undefined; idle = pool.idle.pop()) {
        if (idle.expiresAtMillis > now) {
          this.idle.delete(idle)
          idle.ref(true)
          this.use(pool, idle, exchange)
          return
        }
        idle.destroy()
      }
      if (pool.room > pool.waiting.length) {
        pool.waiting.push(exchange)
        return
      }
    }
    // The destruction of an expired connection may have removed the pool.
    this.connectNew(this.pool(exchange.route), exchange)
  }

  cancel(exchange: Exchange): void {
    this.refusals.delete(exchange)
    const pool = this.pools.get(exchange.route.key)
    const at = pool?.waiting.indexOf(exchange) ?? -1
    if (pool !== undefined && at !== -1) {
      pool.waiting.splice(at, 1)
      this.drop(pool)
    }
  }

  release(exchange: Exchange, connection: Connection, forMillis: number | undefined): void {
    const pool = this.pool(exchange.route)
    connection.reader = undefined
    connection.returnLarge()
    connection.served++
    pool.depth?.onReleased(connection, exchange.verdict)
    this.keep(pool, connection, forMillis)
  }

  judge(route: Route, head: Head, isHttp11: boolean, hasInformational: boolean): Verdict | undefined {
    return this.pipelines?.judge(route, head, isHttp11, hasInformational)
  }

  onFlaw(route: Route): void {
    this.pipelines?.depthOf(route)?.refuse()
  }

  scheduleEnd(exchange: Exchange): void {
    this.turning ??= setImmediate(this.turn)
    if (this.delivered < endsPerTurn) {
      this.delivered++
      exchange.deliverEnd()
    } else {
      this.complete.push(exchange)
    }
  }

  connectLater(exchange: Exchange, error: Transport.TransportError): boolean {
    const isRefused = error._tag === "Connection" && isTooManyOpenCode(error.detail)
    if (!isRefused || this.isClosed) {
      return false
    }
    if (exchange.refusals === 0) {
      this.limit.refuse()
      this.idle.trim(0)
    }
    return this.refusals.connectLater(exchange, () => this.connect(exchange, false))
  }

  private route(address: Address): Route {
    const { checksAddresses, proxies } = this.settings
    return proxies === undefined ? address : routeTo(address, proxies.for(address), checksAddresses === true)
  }

  private pool(route: Route): Pool {
    let pool = this.pools.get(route.key)
    if (pool === undefined) {
      pool = new Pool(route, this.pipelines?.depthOf(route))
      this.pools.set(route.key, pool)
    }
    return pool
  }

  /** Sends a request on a connection that was polled since its last response. */
  private use(pool: Pool, connection: Connection, exchange: Exchange): void {
    if (this.pipelines?.begin(pool, connection, exchange) === true) {
      this.turning ??= setImmediate(this.turn)
    } else {
      exchange.attach(connection)
    }
  }

  /** Keeps a connection for other requests, after its event loop has polled once more. */
  private keep(pool: Pool, connection: Connection, forMillis: number | undefined, pipeline?: Pipeline): void {
    if (connection.mustClose || forMillis === 0 || this.isClosed) {
      connection.destroy()
    }
    if (connection.isLost) {
      return
    }
    connection.expiresAtMillis = performance.now() + Math.min(forMillis ?? keepAliveMillis, keepAliveAtMostMillis)
    pool.resting.add(connection)
    this.ending.push([pool, connection, pipeline])
    this.turning ??= setImmediate(this.turn)
    // A connection that receives more bytes now is closed.
    connection.resume()
  }

  private connectNew(pool: Pool, exchange: Exchange): void {
    if (this.limit.tryAcquire()) {
      this.connectCounted(pool, exchange)
      return
    }
    exchange.hold(true)
    pool.waiting.push(exchange)
    this.starved.add(pool)
    this.stopWaiting ??= this.limit.wait(this.connectWaiting)
    // A closed connection of any origin makes room.
    this.idle.closeOne()
  }

  private connectCounted(pool: Pool, exchange: Exchange): void {
    const { connect } = this.settings
    const id = ++this.made
    const connection: Connection = new Connection(id, connect, pool.route, exchange.connectMillis, this.buffers, {
      onStray: () => pool.depth?.refuse(),
      onLost: () => this.lost(pool, connection),
      onClosed: () => {
        if (this.all.delete(connection)) {
          this.limit.release()
        }
      }
    })
    pool.connections++
    this.all.add(connection)
    this.idle.trim()
    exchange.attach(connection)
  }

  private lost(pool: Pool, connection: Connection): void {
    pool.connections--
    this.idle.delete(connection)
    const wasResting = pool.delete(connection)
    if (wasResting || pool.depth !== undefined) {
      this.connectOverdue(pool)
    }
    this.drop(pool)
  }

  /** Makes connections for the exchanges that wait for more responses than there are. */
  private connectOverdue(pool: Pool): void {
    for (let next = this.isClosed ? undefined : pool.takeOverdue(); next !== undefined; next = pool.takeOverdue()) {
      this.connectNew(pool, next)
      if (this.starved.has(pool)) {
        return
      }
    }
  }

  private drop(pool: Pool): void {
    if (pool.connections === 0 && pool.waiting.length === 0) {
      if (this.starved.delete(pool) && this.starved.size === 0) {
        this.stopWaiting?.()
        this.stopWaiting = undefined
      }
      if (this.pools.get(pool.route.key) === pool) {
        this.pools.delete(pool.route.key)
      }
    }
  }

  // Serves the first exchange of the origin that has waited longest. The origin then moves to the end of the queue.
  private readonly connectWaiting = (): void => {
    this.stopWaiting = undefined
    for (const pool of this.starved) {
      this.starved.delete(pool)
      const exchange = pool.waiting.length > pool.resting.size ? pool.waiting.shift() : undefined
      if (exchange !== undefined) {
        if (pool.waiting.length > pool.resting.size) {
          this.starved.add(pool)
        }
        if (this.starved.size > 0) {
          this.stopWaiting = this.limit.wait(this.connectWaiting)
        }
        this.connectCounted(pool, exchange)
        return
      }
    }
    this.limit.release()
  }

  // A connection is used again after the event loop has polled it once more, because bytes that follow a response must not be read
  // as the next response. Immediates run after the poll phase, so this is in the second turn after the response.
  private readonly turn = (): void => {
    this.turning = undefined
    const { ended } = this
    this.ended = this.ending
    this.ending = []
    const complete = this.complete.splice(0, endsPerTurn)
    this.delivered = complete.length
    for (const [pool, connection, pipeline] of ended) {
      if (pool.resting.delete(connection)) {
        pipeline?.deliver()
        this.reuse(pool, connection)
      }
    }
    this.pipelines?.send()
    for (const exchange of complete) {
      exchange.deliverEnd()
    }
    if (this.ended.length > 0 || this.complete.length > 0) {
      this.turning ??= setImmediate(this.turn)
    }
  }

  private reuse(pool: Pool, connection: Connection): void {
    const exchange = pool.waiting.shift()
    if (exchange === undefined) {
      this.rest(pool, connection)
      return
    }
    this.use(pool, connection, exchange)
    while (this.pipelines?.join(pool, pool.waiting[0]) === true) {
      pool.waiting.shift()
    }
    if (pool.depth !== undefined) {
      this.connectOverdue(pool)
    }
  }

  private rest(pool: Pool, connection: Connection): void {
    if (this.starved.size > 0) {
      connection.destroy()
      return
    }
    pool.idle.push(connection)
    this.idle.add(connection)
  }
}

const gone = () => Object.assign(new Error("the transport is closed"), { code: "ECONNABORTED" })

const placeOf = (url: string): RequestTarget | undefined => {
  try {
    return targetOf(url)
  } catch {
    return undefined
  }
}
