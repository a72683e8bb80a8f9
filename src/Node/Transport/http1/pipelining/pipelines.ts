/**
 * The pipelines of a client: those that are being filled in this turn of the event loop, and those that were sent.
 *
 * @internal
 */
import type { Connection } from "../connection.js"
import type { Exchange } from "../exchange.js"
import { judge, PipelineDepth, type Verdict } from "../pipelineDepth.js"
import type { Pool } from "../pool.js"
import type { Head } from "../response/responseHead.js"
import type { Route } from "../target.js"
import { memoryBytes, Pipeline } from "./pipeline.js"
import { PipelinedExchange } from "./pipelinedExchange.js"

// A request that is answered later than this keeps the others waiting.
const patienceMillis = 1000
// An origin is never forgotten, because it would get another chance. So there is a limit.
const originsAtMost = 10_000
const memoryAtMost = 16

/** The operations of a client that its pipelines use. */
interface Client {
  /** All responses were received. Calls `deliver` after the event loop has polled once more. */
  readonly onReceived: (pool: Pool, pipeline: Pipeline) => void
  /** A connection is idle, because all requests of its pipeline were removed before they were sent. */
  readonly onUnused: (pool: Pool, connection: Connection) => void
}

export class Pipelines {
  private readonly depths = new Map<string, PipelineDepth>()
  // Those to which requests are added in this turn of the event loop. Of each pool, the last one may have room.
  private readonly filling: Array<Pipeline> = []
  private readonly last = new Map<Pool, Pipeline>()
  private readonly sent = new Set<Pipeline>()
  // Memory that is not in use.
  private readonly memory: Array<Buffer> = []
  private watching: NodeJS.Timeout | undefined

  constructor(
    /** The maximum number of requests on a connection. */
    private readonly depthAtMost: number,
    private readonly client: Client
  ) {}

  /** Undefined if requests to this route are never sent ahead: a proxy may get requests for several origins. */
  depthOf({ key, proxy }: Route): PipelineDepth | undefined {
    let depth = this.depths.get(key)
    if (depth === undefined && proxy === undefined && this.depths.size < originsAtMost) {
      depth = new PipelineDepth(this.depthAtMost)
      this.depths.set(key, depth)
    }
    return depth
  }

  judge(route: Route, head: Head, isHttp11: boolean, hasInformational: boolean): Verdict {
    const verdict = judge(head, isHttp11, hasInformational)
    if (verdict === "flawed") {
      this.depths.get(route.key)?.refuse()
    }
    return verdict
  }

  /** Adds a request to the pipeline that is being filled. Returns false if there is none with room, or if the request must be alone. */
  join(pool: Pool, exchange: Exchange | undefined): boolean {
    const last = this.last.get(pool)
    if (last?.hasRoom !== true || !mayJoin(exchange)) {
      return false
    }
    last.add(exchange)
    return true
  }

  /** Begins a pipeline on a connection that was polled since its last response. Returns false if the request must be alone. */
  begin(pool: Pool, connection: Connection, exchange: Exchange): boolean {
    const { depth } = pool
    if (depth === undefined || depth.on(connection.served) === 1 || !mayJoin(exchange)) {
      return false
    }
    const pipeline = new Pipeline(connection, depth, {
      onReceived: () => this.client.onReceived(pool, pipeline),
      onUnused: () => this.client.onUnused(pool, connection),
      onOver: () => this.sent.delete(pipeline),
      takeMemory: () => this.memory.pop() ?? Buffer.allocUnsafeSlow(memoryBytes),
      giveMemory: (memory) => {
        if (memory.length === memoryBytes && this.memory.length < memoryAtMost) {
          this.memory.push(memory)
        }
      }
    })
    pipeline.add(exchange)
    this.filling.push(pipeline)
    this.last.set(pool, pipeline)
    return true
  }

  /**
   * Sends the requests that were added in this turn. Call it after the poll phase of the event loop: bytes that are received
   * before cannot be the response to one of them.
   */
  send(): void {
    if (this.filling.length > 0) {
      this.last.clear()
      for (const pipeline of this.filling.splice(0)) {
        if (pipeline.send()) {
          this.sent.add(pipeline)
        }
      }
      // Real time, because it measures the network. Ends with the layer, and does not keep the process alive.
      this.watching ??= setTimeout(this.watch, patienceMillis).unref()
    }
  }

  /** Ends the timer. */
  stop(): void {
    clearTimeout(this.watching)
  }

  private readonly watch = (): void => {
    this.watching = undefined
    for (const pipeline of this.sent) {
      pipeline.endIfStuck()
    }
    if (this.sent.size > 0) {
      // Real time, for the same reason. Ends in the same way.
      this.watching = setTimeout(this.watch, patienceMillis).unref()
    }
  }
}

const mayJoin = (exchange: Exchange | undefined): exchange is PipelinedExchange =>
  exchange instanceof PipelinedExchange && exchange.mayJoin
