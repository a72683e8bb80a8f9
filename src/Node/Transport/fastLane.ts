/**
 * The backend for what is most common, HTTP/1 whose body is announced in one plain way, directly on sockets: twice as fast
 * as a client that understands everything. What it does not understand completely goes to such a client from the start,
 * and so does all from that origin from then on.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { isTooManyOpen, whenThereIsOne } from "../../internal/descriptors.js"
import * as Transport from "../../Transport.js"
import { Buffers, Connection } from "./connection.js"
import { Exchange } from "./exchange.js"
import type { Lane } from "./lane.js"
import { type Address, headOf, type Place, place } from "./target.js"
import type { Connect } from "./wire.js"

export interface Settings {
  readonly connectMillis: number
  readonly connect: Connect
  /** The backend that understands everything. */
  readonly otherwise: typeof Transport.Transport.Service.open
}

export interface FastLane {
  readonly open: typeof Transport.Transport.Service.open
  readonly begin: (request: Transport.TransportRequest) => Transport.Exchange
  readonly dispatch: (
    request: Transport.TransportRequest,
    receiver: Transport.Receiver
  ) => Transport.Exchange | undefined
  /** Ends every connection, and waits until all sockets are closed. */
  readonly close: Effect.Effect<void>
  /** The origins that are not for this lane. */
  readonly foreign: ReadonlySet<string>
}

// As undici keeps one of which nothing is said: less than servers do (5 seconds and more).
const keepAliveMillis = 4000
const keepAliveAtMostMillis = 600_000
const sweepEveryMillis = 1000
const foreignAtMost = 1000

// Of many responses that came at once, so many are carried on in a turn: what they leave free is asked for again while
// the others are still written, and an origin that takes its time is not left without requests.
const carriedOnAtMost = 4

interface Pool {
  readonly address: Address
  readonly idle: Array<Connection>
  readonly resting: Set<Connection>
  readonly waiting: Array<Exchange>
  connections: number
}

export const make = (settings: Settings): FastLane => new Lanes(settings)

class Lanes implements FastLane, Lane<Exchange> {
  readonly foreign = new Set<string>()
  readonly connectMillis: number
  isClosed = false
  private readonly pools = new Map<string, Pool>()
  private readonly all = new Set<Connection>()
  private readonly buffers = new Buffers()
  // Connections whose response has ended in this turn of the event loop, and in the one before.
  private ending: Array<readonly [Pool, Connection]> = []
  private ended: Array<readonly [Pool, Connection]> = []
  // What goes on with responses that have come to their end, and how many did so in this turn.
  private readonly complete: Array<() => void> = []
  private carriedOn = 0
  private turning: NodeJS.Immediate | undefined
  private sweeping: NodeJS.Timeout | undefined

  constructor(private readonly settings: Settings) {
    this.connectMillis = settings.connectMillis
  }

  readonly open: typeof Transport.Transport.Service.open = (request) =>
    Effect.scopeWith((scope) => {
      const exchange = this.begin(request)
      // The canceller of an `async` may be skipped, so that the scope is what ends it.
      return Effect.zipRight(Scope.addFinalizer(scope, exchange.close), exchange.response)
    })

  readonly begin = (request: Transport.TransportRequest): Transport.Exchange => this.start(request, false)

  readonly dispatch: FastLane["dispatch"] = (request, receiver) => {
    const exchange = this.exchange(request, false)
    exchange?.send(receiver)
    return exchange
  }

  private start(request: Transport.TransportRequest, isRepeated: boolean): Transport.Exchange {
    return this.exchange(request, isRepeated) ?? this.elsewhere(request)
  }

  private exchange(request: Transport.TransportRequest, isRepeated: boolean): Exchange | undefined {
    const to = placeOf(request.url)
    if (to === undefined || this.isClosed || this.foreign.has(to.address.origin)) {
      return undefined
    }
    const head = headOf(to.path, to.address.host, request.headers)
    return head === undefined ? undefined : new Exchange(this, to.address, request, head, isRepeated)
  }

  private elsewhere(request: Transport.TransportRequest): Transport.Exchange {
    return Transport.begin({ open: this.settings.otherwise }, request)
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    clearTimeout(this.sweeping)
    clearImmediate(this.turning)
    for (const { waiting } of this.pools.values()) {
      for (const exchange of waiting.splice(0)) {
        exchange.fail(gone())
      }
    }
    const open = [...this.all]
    for (const connection of open) {
      connection.abort(gone())
    }
    for (const act of this.complete.splice(0)) {
      act()
    }
    return Effect.forEach(open, (connection) => connection.awaitClosed, { discard: true })
  })

  connect(exchange: Exchange, isNew: boolean): void {
    if (this.isClosed) {
      exchange.fail(gone())
      return
    }
    const pool = this.pool(exchange.address)
    if (!isNew) {
      const now = performance.now()
      for (let idle = pool.idle.pop(); idle !== undefined; idle = pool.idle.pop()) {
        if (idle.expiresAtMillis > now) {
          idle.hold(true)
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
    this.connectNew(pool, exchange)
  }

  forget(exchange: Exchange): void {
    const waiting = this.pools.get(exchange.address.origin)?.waiting
    const at = waiting?.indexOf(exchange) ?? -1
    if (at !== -1) {
      waiting?.splice(at, 1)
    }
  }

  release(exchange: Exchange, connection: Connection, forMillis: number | undefined): void {
    const pool = this.pool(exchange.address)
    connection.receiver = undefined
    connection.served++
    if (connection.isSpoiled || forMillis === 0 || this.isClosed || this.foreign.has(pool.address.origin)) {
      connection.destroy()
    }
    if (connection.isLost) {
      return
    }
    connection.expiresAtMillis = performance.now() + Math.min(forMillis ?? keepAliveMillis, keepAliveAtMostMillis)
    pool.resting.add(connection)
    this.ending.push([pool, connection])
    this.turning ??= setImmediate(this.turn)
    // It may be paused, and whatever comes now nobody has asked for.
    connection.resume()
  }

  soon(act: () => void): void {
    this.turning ??= setImmediate(this.turn)
    if (this.carriedOn < carriedOnAtMost) {
      this.carriedOn++
      act()
    } else {
      this.complete.push(act)
    }
  }

  failed(
    exchange: Exchange,
    error: Transport.TransportError
  ): Effect.Effect<Transport.TransportResponse, Transport.TransportError> {
    if (exchange.isRepeated || !isForWant(error)) {
      return Effect.fail(error)
    }
    for (const { idle } of this.pools.values()) {
      closeAll(idle)
    }
    const again = Effect.suspend(() => exchange.goOnAs(this.start(exchange.request, true)))
    return whenThereIsOne(isForWant)(Effect.delay(again, "50 millis"))
  }

  handOver(
    exchange: Exchange,
    isForeign: boolean
  ): Effect.Effect<Transport.TransportResponse, Transport.TransportError> {
    const { origin } = exchange.address
    if (isForeign) {
      this.foreign.delete(origin)
      this.foreign.add(origin)
      for (const oldest of this.foreign) {
        if (this.foreign.size <= foreignAtMost) {
          break
        }
        this.foreign.delete(oldest)
      }
      closeAll(this.pools.get(origin)?.idle ?? [])
    }
    return Effect.suspend(() => exchange.goOnAs(this.elsewhere(exchange.request)))
  }

  private pool(address: Address): Pool {
    let pool = this.pools.get(address.origin)
    if (pool === undefined) {
      pool = { address, idle: [], resting: new Set(), waiting: [], connections: 0 }
      this.pools.set(address.origin, pool)
    }
    return pool
  }

  private connectNew(pool: Pool, exchange: Exchange): void {
    const { connect } = this.settings
    const connection: Connection = new Connection(connect, pool.address, exchange.connectMillis, this.buffers, {
      lost: () => this.lost(pool, connection),
      closed: () => this.all.delete(connection)
    })
    pool.connections++
    this.all.add(connection)
    exchange.attach(connection)
  }

  private lost(pool: Pool, connection: Connection): void {
    pool.connections--
    const at = pool.idle.indexOf(connection)
    if (at !== -1) {
      pool.idle.splice(at, 1)
    }
    if (pool.resting.delete(connection) && pool.waiting.length > pool.resting.size) {
      const exchange = pool.waiting.shift()
      if (exchange !== undefined && !this.isClosed) {
        this.connectNew(pool, exchange)
      }
    }
    if (pool.connections === 0) {
      this.pools.delete(pool.address.origin)
    }
  }

  // A connection is used again when the system was asked once more what came on it: bytes that follow a response must
  // not be taken for the next one. That is so in the next turn but one, because this phase of a turn comes after polling.
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
    this.carriedOn = Math.min(carriedOnAtMost, this.complete.length)
    for (const act of this.complete.splice(0, carriedOnAtMost)) {
      act()
    }
  }

  private rest(pool: Pool, connection: Connection): void {
    if (this.foreign.has(pool.address.origin)) {
      connection.destroy()
      return
    }
    connection.hold(false)
    pool.idle.push(connection)
    // Real time: it is the servers' keep-alive that is counted. Ends with the layer, and keeps no process alive.
    this.sweeping ??= setTimeout(this.sweep, sweepEveryMillis).unref()
  }

  private readonly sweep = (): void => {
    this.sweeping = undefined
    const now = performance.now()
    let isAny = false
    for (const { idle } of this.pools.values()) {
      for (const connection of idle.filter(({ expiresAtMillis }) => expiresAtMillis <= now)) {
        connection.destroy()
      }
      isAny ||= idle.length > 0
    }
    if (isAny) {
      // Real time, for the same reason, and ended the same way.
      this.sweeping = setTimeout(this.sweep, sweepEveryMillis).unref()
    }
  }
}

const gone = () => Object.assign(new Error("the transport is closed"), { code: "ECONNABORTED" })

const isForWant = (error: Transport.TransportError): boolean =>
  error._tag === "Connection" && isTooManyOpen(error.detail)

const closeAll = (idle: Array<Connection>): void => {
  for (const connection of idle.splice(0)) {
    connection.destroy()
  }
}

const placeOf = (url: string): Place | undefined => {
  try {
    return place(url)
  } catch {
    return undefined
  }
}
