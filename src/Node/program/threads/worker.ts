/**
 * What a worker thread of this package starts with. It does nothing in a thread that this package did not start.
 *
 * @since 0.1.0
 */
import { isMainThread, workerData } from "node:worker_threads"
import type { Role } from "../role.js"

const isRole = (data: unknown): data is Role => typeof data === "object" && data !== null && "halyard" in data

if (!isMainThread && isRole(workerData)) {
  const role = workerData
  if (role.halyard === "spinner") {
    void import("./spinnerThread.js").then(({ turn }) => turn(role))
  } else {
    void import("./flagWorker.js").then(({ serve }) => serve())
  }
}
