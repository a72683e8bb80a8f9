/**
 * Threads of `node:worker_threads`.
 *
 * @since 0.2.0
 */
import { availableParallelism } from "node:os"
import { performance } from "node:perf_hooks"
import { isMainThread, parentPort, Worker } from "node:worker_threads"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Caller, Threads } from "../Threads.js"
import type { Role } from "./role.js"

// What a thread has to give up is given up by then; else it hangs in a call of the system.
const terminateAfterMillis = 5000

// Small beside what a network takes, and enough for a thread to have done many small files.
const laterMillis = 5

const soon = (act: () => void): void => {
  setImmediate(act)
}

/**
 * Threads that start with a module, by default this package's own.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options: {
  readonly workerUrl: URL
  readonly publicOnly?: boolean | undefined
}): Layer.Layer<Threads> =>
  Layer.sync(Threads, () => {
    let before = performance.eventLoopUtilization()
    let used = { at: performance.now(), cpu: process.cpuUsage() }
    return {
      parallelism: availableParallelism(),
      soon,
      utilization: () => {
        const now = performance.eventLoopUtilization()
        const { utilization } = performance.eventLoopUtilization(now, before)
        before = now
        return utilization
      },
      processors: () => {
        const now = { at: performance.now(), cpu: process.cpuUsage() }
        const micros = now.cpu.user + now.cpu.system - used.cpu.user - used.cpu.system
        const millis = now.at - used.at
        used = now
        return micros / 1000 / Math.max(1, millis)
      },
      start: ({ onEnd, onNotes }) => {
        const role: Role = { halyard: "downloader", publicOnly: options.publicOnly === true }
        const worker = new Worker(options.workerUrl, {
          workerData: role,
          // The command, by which the program knows what code it will use.
          argv: process.argv.slice(2, 3)
        })
        let hasEnded = false
        worker.on("message", onNotes)
        // Its exit follows.
        worker.on("error", () => {})
        worker.once("exit", () => {
          hasEnded = true
          onEnd()
        })
        let workerBefore = worker.performance.eventLoopUtilization()
        return {
          post: (notes) => worker.postMessage(notes),
          utilization: () => {
            const now = worker.performance.eventLoopUtilization()
            const { utilization } = worker.performance.eventLoopUtilization(now, workerBefore)
            workerBefore = now
            return utilization
          },
          end: Effect.async((resume) => {
            if (hasEnded) {
              resume(Effect.void)
              return
            }
            // Real time: the thread knows no test clock. Ends with the thread.
            const late = setTimeout(() => void worker.terminate(), terminateAfterMillis)
            worker.once("exit", () => {
              clearTimeout(late)
              resume(Effect.void)
            })
            worker.postMessage(end)
          })
        }
      }
    }
  })

/** The note that ends a thread. */
const end = "end"

/**
 * The calling thread, in one that was started; `onEnd` is called when it is to end.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerCaller = (onEnd: () => void): Layer.Layer<Caller> =>
  Layer.sync(Caller, () => {
    if (isMainThread || parentPort === null) {
      throw new Error("this is not a worker thread")
    }
    const port = parentPort
    return {
      soon,
      later: (act) => {
        // Real time: a batch of notes waits for the other thread, and for no Clock. Ends with the thread.
        setTimeout(act, laterMillis)
      },
      post: (notes) => port.postMessage(notes),
      receive: (onNotes) => {
        port.on("message", (message) => {
          if (message === end) {
            onEnd()
          } else {
            onNotes(message)
          }
        })
      }
    }
  })
