/**
 * The HTTP/1.1 client: connections by origin, directly on sockets, and the exchanges that use them.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { InvalidRequest } from "../../../DownloadError.js"
import { isTooManyOpenCode, retryUntilDescriptorFree } from "../../../internal/descriptors.js"
import { displayUrl } from "../../../internal/text/displayUrl.js"
import type * as Transport from "../../../Transport.js"
import * as Descriptors from "../../descriptors.js"
import type { Connect } from "../sockets.js"
import { Buffers, Connection } from "./connection.js"
import { type Client as Connections, Exchange } from "./exchange.js"
import { type Address, headOf, type Place, place } from "./target.js"

export interface Settings {
  readonly connectMillis: number
  readonly connect: Connect
}

export interface Client {
  readonly open: typeof Transport.Transport.Service.open
  readonly begin: (request: Transport.TransportRequest) => Transport.Exchange
  readonly dispatch: NonNullable<typeof Transport.Transport.Service.dispatch>
  /** Ends every connection, and waits until all sockets are closed. */
  readonly close: Effect.Effect<void>
}

// For a connection whose server gives no keep-alive time. Servers keep a connection for 5 seconds or more.
const keepAliveMillis = 4000
const keepAliveAtMostMillis = 600_000
const sweepEveryMillis = 1000
// Over all origins, in addition to the connections in use.
const idleAtMost = 64

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

export const make = (settings: Settings): Client => new Http1(settings)

class Http1 implements Client, Connections {
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
  // The idle connections of all pools, least recently used first.
  private readonly idle = new Set<Connection>()
  // Pools with exchanges that wait because the process may open no more connections.
  private readonly wanting = new Set<Pool>()
  private stopWaiting: (() => void) | undefined
  private readonly stopLending: () => void
  private turning: NodeJS.Immediate | undefined
  private sweeping: NodeJS.Timeout | undefined

  constructor(private readonly settings: Settings) {
    this.connectMillis = settings.connectMillis
    this.stopLending = Descriptors.lend(() => this.closeIdle())
  }

  readonly open: typeof Transport.Transport.Service.open = (request) =>
    Effect.scopeWith((scope) => {
      const exchange = this.begin(request)
      // The canceller of an `async` may be skipped, so that the scope is what ends it.
      return Effect.zipRight(Scope.addFinalizer(scope, exchange.close), exchange.response)
    })

  readonly begin = (request: Transport.TransportRequest): Transport.Exchange => this.start(request, false)

  readonly dispatch: Client["dispatch"] = (request, receiver) => {
    const exchange = this.isClosed ? undefined : this.exchange(request, false)
    if (exchange === undefined || exchange instanceof InvalidRequest) {
      return undefined
    }
    exchange.send(receiver)
    return exchange
  }

  private start(request: Transport.TransportRequest, isRepeated: boolean): Transport.Exchange {
    const exchange = this.exchange(request, isRepeated)
    return exchange instanceof InvalidRequest ? { response: Effect.fail(exchange), close: Effect.void } : exchange
  }

  private exchange(request: Transport.TransportRequest, isRepeated: boolean): Exchange | InvalidRequest {
    const to = placeOf(request.url)
    if (to === undefined) {
      return new InvalidRequest({ url: displayUrl(request.url), detail: "it is not an absolute http: or https: URL" })
    }
    const head = headOf(to.path, to.address.host, request.headers)
    return head === undefined
      ? new InvalidRequest({ url: displayUrl(request.url), detail: "a header of the request cannot be sent" })
      : new Exchange(this, to.address, request, head, isRepeated)
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    clearTimeout(this.sweeping)
    clearImmediate(this.turning)
    this.wanting.clear()
    this.stopWaiting?.()
    this.stopLending()
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
          this.idle.delete(idle)
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
    // That pool ends with its last connection.
    this.connectNew(this.pool(exchange.address), exchange)
  }

  forget(exchange: Exchange): void {
    const pool = this.pools.get(exchange.address.origin)
    const at = pool?.waiting.indexOf(exchange) ?? -1
    if (pool !== undefined && at !== -1) {
      pool.waiting.splice(at, 1)
      this.drop(pool)
    }
  }

  release(exchange: Exchange, connection: Connection, forMillis: number | undefined): void {
    const pool = this.pool(exchange.address)
    connection.receiver = undefined
    connection.served++
    if (connection.isSpoiled || forMillis === 0 || this.isClosed) {
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
    if (!isForWant(error)) {
      return Effect.fail(error)
    }
    exchange.hold()
    if (exchange.isRepeated) {
      return Effect.fail(error)
    }
    Descriptors.refused()
    this.trim(0)
    const again = Effect.suspend(() => exchange.goOnAs(this.start(exchange.request, true)))
    return retryUntilDescriptorFree(isForWant)(Effect.delay(again, "50 millis"))
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
    if (Descriptors.takeConnection()) {
      this.connectCounted(pool, exchange)
      return
    }
    exchange.hold()
    pool.waiting.push(exchange)
    this.wanting.add(pool)
    this.stopWaiting ??= Descriptors.awaitConnection(this.connectWaiting)
    // A closed connection of any origin makes room.
    this.closeIdle()
  }

  private connectCounted(pool: Pool, exchange: Exchange): void {
    const { connect } = this.settings
    const connection: Connection = new Connection(connect, pool.address, exchange.connectMillis, this.buffers, {
      lost: () => this.lost(pool, connection),
      closed: () => {
        if (this.all.delete(connection)) {
          Descriptors.giveConnection()
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
      if (this.wanting.delete(pool) && this.wanting.size === 0) {
        this.stopWaiting?.()
        this.stopWaiting = undefined
      }
      if (this.pools.get(pool.address.origin) === pool) {
        this.pools.delete(pool.address.origin)
      }
    }
  }

  // Serves the first exchange of the origin that has waited longest. The origin then moves to the end of the queue.
  private readonly connectWaiting = (): void => {
    this.stopWaiting = undefined
    for (const pool of this.wanting) {
      this.wanting.delete(pool)
      const exchange = pool.waiting.length > pool.resting.size ? pool.waiting.shift() : undefined
      if (exchange !== undefined) {
        if (pool.waiting.length > pool.resting.size) {
          this.wanting.add(pool)
        }
        if (this.wanting.size > 0) {
          this.stopWaiting = Descriptors.awaitConnection(this.connectWaiting)
        }
        this.connectCounted(pool, exchange)
        return
      }
    }
    Descriptors.giveConnection()
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
    if (this.wanting.size > 0) {
      connection.destroy()
      return
    }
    connection.hold(false)
    pool.idle.push(connection)
    this.idle.add(connection)
    // Real time: it is the servers' keep-alive that is counted. Ends with the layer, and keeps no process alive.
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
      // Real time, for the same reason, and ended the same way.
      this.sweeping = setTimeout(this.sweep, sweepEveryMillis).unref()
    }
  }
}

const gone = () => Object.assign(new Error("the transport is closed"), { code: "ECONNABORTED" })

const isForWant = (error: Transport.TransportError): boolean =>
  error._tag === "Connection" && isTooManyOpenCode(error.detail)

const placeOf = (url: string): Place | undefined => {
  try {
    return place(url)
  } catch {
    return undefined
  }
}
