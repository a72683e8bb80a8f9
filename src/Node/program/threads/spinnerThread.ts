/**
 * The worker thread that turns a spinner while the main thread is blocked. A thread that is terminated would leave its line on the
 * terminal. So this thread checks a shared signal between frames, and erases its line before it ends.
 */
import { writeSync } from "node:fs"
import type { WorkerRole } from "./workerRole.js"

export const turn = ({ frames, intervalMillis, signal, width }: Extract<WorkerRole, { halyard: "spinner" }>): void => {
  const flag = new Int32Array(signal)
  const stopped = (wait: number): boolean => Atomics.wait(flag, 0, 0, wait) !== "timed-out"
  // Without a terminal there are no frames, but the thread runs as well.
  const show = frames.length === 0 ? () => {} : write
  // The first frame appears after half an interval, as with the spinner in a fiber. The cursor stays visible, because Ctrl-C ends a
  // blocked process before the cursor could be shown again.
  let wait = intervalMillis / 2
  for (let index = 0; !stopped(wait); index++) {
    show(`\r${frames[index % frames.length] ?? ""}`)
    wait = intervalMillis
  }
  show(`\r${" ".repeat(width)}\r`)
}

// `process.stderr` of a worker thread writes through the main thread, which is blocked.
const write = (text: string): void => {
  try {
    writeSync(2, text)
  } catch {
    // The terminal is closed.
  }
}
