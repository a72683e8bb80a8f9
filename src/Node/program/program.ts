/**
 * The entry of the second file of the program, which has all commands. The modules of a command are evaluated when it runs.
 */
import { isMainThread, workerData } from "node:worker_threads"
import { role } from "./shards/role.js"
import type { WorkerRole } from "./threads/workerRole.js"

export interface Program {
  /** `binUrl` is the first file, also of worker threads. */
  readonly start: (version: string, binUrl: URL) => void
}

export const start: Program["start"] = (version, binUrl) => {
  if (isMainThread && process.argv[2] === role && process.send !== undefined) {
    void import("./shards/process.js").then(({ serve }) => serve(binUrl))
  } else if (isMainThread) {
    void import("./main.js").then(({ main }) => main(version, binUrl))
  } else {
    const role: WorkerRole = workerData
    void (role.halyard === "spinner"
      ? import("./threads/spinnerThread.js").then(({ turn }) => turn(role))
      : import("./threads/flagWorker.js").then(({ serve }) => serve()))
  }
}
