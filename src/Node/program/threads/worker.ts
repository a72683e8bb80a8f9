/**
 * The first module of a worker thread. It does nothing in a thread that this package did not start.
 */
import { isMainThread, workerData } from "node:worker_threads"
import type { WorkerRole } from "./workerRole.js"

const isRole = (data: unknown): data is WorkerRole => typeof data === "object" && data !== null && "halyard" in data

if (!isMainThread && isRole(workerData)) {
  const role = workerData
  if (role.halyard === "spinner") {
    void import("./spinnerThread.js").then(({ turn }) => turn(role))
  } else {
    void import("./flagWorker.js").then(({ serve }) => serve())
  }
}
