/**
 * The program's first file, in its main thread and in the worker threads that it starts.
 */
import { isMainThread } from "node:worker_threads"

declare const HALYARD_VERSION: string

if (isMainThread) {
  const { main } = await import("./Node/main.js")
  main(HALYARD_VERSION, new URL(import.meta.url))
} else {
  await import("./Node/worker.js")
}
