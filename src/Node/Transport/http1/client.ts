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
import { type Client as Connections, Exchange } from "./exchange.js"
import { invalid } from "./invalidRequest.js"
import { type Address, headOf, type RequestTarget, type Route, routeTo, targetFor, targetOf } from "./target.js"

export interface Settings {
  readonly connectMillis: number
  readonly connect: Connect
  /** Default: none. */
  readonly proxies?: Proxies | undefined
  /** Whether `connect` checks the addresses of origins. Default: false. */
  readonly checksAddresses?: boolean | undefined
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
const sweepEveryMillis = 1000
// The maximum number of idle connections of all origins together.
const idleAtMost = 64

// When many responses end in one turn of the event loop, only some of the ends are delivered in that turn. Then their callers
// send the next requests while the other files are still written, and the origin is not left without requests. With 4 or 64
// ends, small files take 5 % longer than with 12.
const endsPerTurn = 12

// If the system refuses a descriptor for a connection, the request waits for about a minute. Connections leave room for files, and
// idle connections and files are closed, so a longer wait is a fault. The pauses grow from 50 milliseconds to a second.
const refusalsAtMost = 66
const pauseMillis = (refusals: number): number => Math.min(1000, 50 * 1.5 ** refusals)

interface Pool {
  readonly route: Route
  readonly idle: Array<Connection>
  readonly resting: Set<Connection>
  readonly waiting: Array<Exchange>
  connections: number
}

export const make = (settings: Settings): Client => new Http1(settings)

class Http1 implements Client, Connections {
  readonly connectMillis: number
  isClosed = false
  private readonly pools = new Map<string, Pool>()
  private readonly all = new Set<Connection>()
  // The number of connections that were made.
  private made = 0
  private readonly buffers = new Buffers()
  // Connections whose response has ended in this turn of the event loop, and in the turn before.
  private ending: Array<readonly [Pool, Connection]> = []
  private ended: Array<readonly [Pool, Connection]> = []
  // Exchanges whose end is delivered in a later turn, and the number of ends that were delivered in this turn.
  private readonly complete: Array<Exchange> = []
  private delivered = 0
  // The idle connections of all pools, least recently used first.
  private readonly idle = new Set<Connection>()
  // Pools with exchanges that wait because the process has reached its limit of connections.
  private readonly starved = new Set<Pool>()
  private stopWaiting: (() => void) | undefined
  // Exchanges whose connections were refused a descriptor, and which connect again later.
  private readonly refused = new Map<Exchange, NodeJS.Timeout>()
  private readonly limit: Descriptors.ConnectionLimit
  private readonly stopLending: () => void
  private turning: NodeJS.Immediate | undefined
  private sweeping: NodeJS.Timeout | undefined

  constructor(private readonly settings: Settings) {
    this.connectMillis = settings.connectMillis
    this.limit = settings.limit ?? Descriptors.connections
    this.stopLending = Descriptors.lend(() => this.closeIdle())
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
    const exchange = new Exchange(this, route, request, head, receiver)
    exchange.start()
    return Exit.succeed(exchange)
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    clearTimeout(this.sweeping)
    clearImmediate(this.turning)
    this.starved.clear()
    this.stopWaiting?.()
    this.stopLending()
    for (const exchange of [...this.pools.values()].flatMap(({ waiting }) => waiting.splice(0))) {
      exchange.fail(gone())
    }
    for (const [exchange, timer] of this.refused) {
      clearTimeout(timer)
      exchange.fail(gone())
    }
    this.refused.clear()
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
      const now = performance.now()
      for (let idle = pool.idle.pop(); idle !== undefined; idle = pool.idle.pop()) {
        if (idle.expiresAtMillis > now) {
          this.idle.delete(idle)
          idle.ref(true)
          exchange.attach(idle)
          return
        }
        idle.destroy()
      }
      if (pool.resting.size > pool.waiting.length) {
        pool.waiting.push(exchange)
        return
      }
    }
    // The destruction of an expired connection may have removed the pool.
    this.connectNew(this.pool(exchange.route), exchange)
  }

  cancel(exchange: Exchange): void {
    clearTimeout(this.refused.get(exchange))
    this.refused.delete(exchange)
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
    if (connection.mustClose || forMillis === 0 || this.isClosed) {
      connection.destroy()
    }
    if (connection.isLost) {
      return
    }
    connection.expiresAtMillis = performance.now() + Math.min(forMillis ?? keepAliveMillis, keepAliveAtMostMillis)
    pool.resting.add(connection)
    this.ending.push([pool, connection])
    this.turning ??= setImmediate(this.turn)
    // A connection that receives more bytes now is closed.
    connection.resume()
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
    if (!isRefused || exchange.refusals === refusalsAtMost || this.isClosed) {
      return false
    }
    if (exchange.refusals === 0) {
      this.limit.refuse()
      this.trim(0)
    }
    exchange.hold(true)
    const connect = () => {
      this.refused.delete(exchange)
      this.connect(exchange, false)
    }
    // Real time, because other parts of the system must close a descriptor. Ends with the exchange.
    this.refused.set(exchange, setTimeout(connect, pauseMillis(exchange.refusals++)))
    return true
  }

  private route(address: Address): Route {
    const { checksAddresses, proxies } = this.settings
    return proxies === undefined ? address : routeTo(address, proxies.for(address), checksAddresses === true)
  }

  private pool(route: Route): Pool {
    let pool = this.pools.get(route.key)
    if (pool === undefined) {
      pool = { route, idle: [], resting: new Set(), waiting: [], connections: 0 }
      this.pools.set(route.key, pool)
    }
    return pool
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
    this.closeIdle()
  }

  private connectCounted(pool: Pool, exchange: Exchange): void {
    const { connect } = this.settings
    const id = ++this.made
    const connection: Connection = new Connection(id, connect, pool.route, exchange.connectMillis, this.buffers, {
      onLost: () => this.lost(pool, connection),
      onClosed: () => {
        if (this.all.delete(connection)) {
          this.limit.release()
        }
      }
    })
    pool.connections++
    this.all.add(connection)
    this.trim(idleAtMost)
    exchange.attach(connection)
  }

  private lost(pool: Pool, connection: Connection): void {
    pool.connections--
    const at = this.idle.delete(connection) ? pool.idle.indexOf(connection) : -1
    if (at !== -1) {
      pool.idle.splice(at, 1)
    }
    if (pool.resting.delete(connection) && pool.waiting.length > pool.resting.size) {
      const exchange = pool.waiting.shift()
      if (exchange !== undefined && !this.isClosed) {
        this.connectNew(pool, exchange)
      }
    }
    this.drop(pool)
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
    if (this.ended.length > 0 || this.complete.length > 0) {
      this.turning = setImmediate(this.turn)
    }
    for (const [pool, connection] of ended) {
      if (pool.resting.delete(connection)) {
        const exchange = pool.waiting.shift()
        if (exchange === undefined) {
          this.rest(pool, connection)
        } else {
          exchange.attach(connection)
        }
      }
    }
    this.delivered = Math.min(endsPerTurn, this.complete.length)
    for (const exchange of this.complete.splice(0, endsPerTurn)) {
      exchange.deliverEnd()
    }
  }

  private rest(pool: Pool, connection: Connection): void {
    if (this.starved.size > 0) {
      connection.destroy()
      return
    }
    connection.ref(false)
    pool.idle.push(connection)
    this.idle.add(connection)
    // Real time, because the servers count their keep-alive time. Ends with the layer, and does not keep the process alive.
    this.sweeping ??= setTimeout(this.sweep, sweepEveryMillis).unref()
  }

  private closeIdle(): boolean {
    const isAny = this.idle.size > 0
    this.trim(Math.max(0, this.idle.size - 1))
    return isAny
  }

  // Closes the idle connections that were used least recently.
  private trim(atMost: number): void {
    for (const connection of this.idle) {
      if (this.idle.size <= atMost) {
        return
      }
      connection.destroy()
    }
  }

  private readonly sweep = (): void => {
    this.sweeping = undefined
    this.trim(idleAtMost)
    const now = performance.now()
    for (const connection of this.idle) {
      if (connection.expiresAtMillis <= now) {
        connection.destroy()
      }
    }
    if (this.idle.size > 0) {
      // Real time, for the same reason. Ends in the same way.
      this.sweeping = setTimeout(this.sweep, sweepEveryMillis).unref()
    }
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
