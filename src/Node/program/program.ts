/**
 * The program's second file: everything, each command's part evaluated when it is asked for.
 */
import { isMainThread } from "node:worker_threads"

export interface Program {
  /** `binUrl` is the file that worker threads start with. */
  readonly start: (version: string, binUrl: URL) => void
}

export const start: Program["start"] = (version, binUrl) => {
  if (isMainThread) {
    void import("./main.js").then(({ main }) => main(version, binUrl))
  } else {
    void import("./threads/worker.js")
  }
}
