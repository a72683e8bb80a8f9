/**
 * Threads that are fibers of this process, for what needs no real thread: notes are copied as they are for one.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import type { Store } from "../../src/Store.js"
import { Caller, Threads } from "../../src/Threads.js"
import type { Transport } from "../../src/Transport.js"
import * as WorkerDownloader from "../../src/WorkerDownloader.js"

export interface Machine {
  readonly parallelism: number
  /** How busy the event loop of the calling thread is, and that of each other. */
  readonly utilization: { main: number; thread: number }
  /** How many of them this process gets; all where nothing is said. */
  readonly processors?: number
  /** Whether each ends as soon as it is started. */
  readonly fails?: boolean
  /** How many there are, and were. */
  readonly counts: { running: number; started: number }
}

/** Threads of this machine, on the transport, the store and the clock in the context. */
export const layer = (machine: Machine): Layer.Layer<Threads, never, Transport | Store> =>
  Layer.effect(
    Threads,
    Effect.map(Effect.runtime<Transport | Store>(), (runtime) => {
      const { counts, parallelism, utilization } = machine
      const soon = (act: () => void): void => {
        Runtime.runFork(runtime)(Effect.zipRight(Effect.yieldNow(), Effect.sync(act)))
      }
      const start: typeof Threads.Service.start = ({ onEnd, onNotes }) => {
        counts.started++
        counts.running++
        let receive: (notes: Parameters<typeof onPosted>[0]) => void = () => {}
        const onPosted: ReturnType<typeof start>["post"] = (notes) => soon(() => receive(structuredClone(notes)))
        const caller = Layer.succeed(Caller, {
          receive: (onReceived) => {
            receive = onReceived
          },
          post: (notes) => soon(() => onNotes(structuredClone(notes))),
          soon,
          later: soon
        })
        const runner = Layer.launch(Layer.provide(WorkerDownloader.layerRunner, caller))
        const fiber = Runtime.runFork(runtime)(
          machine.fails === true ? Effect.zipRight(Effect.yieldNow(), Effect.interrupt) : runner
        )
        fiber.addObserver(() => {
          counts.running--
          onEnd()
        })
        return { post: onPosted, utilization: () => utilization.thread, end: Fiber.interrupt(fiber) }
      }
      return {
        start,
        soon,
        parallelism,
        utilization: () => utilization.main,
        processors: () => machine.processors ?? parallelism
      }
    })
  )
