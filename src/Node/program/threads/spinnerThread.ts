/**
 * The thread that keeps a spinner turning while the main thread is blocked. There is no way to end a thread from outside
 * that leaves the terminal in order, so it looks at a shared signal between frames, and takes its line away itself.
 */
import { writeSync } from "node:fs"
import type { Role } from "../role.js"

export const turn = ({ frames, millis, signal, width }: Extract<Role, { halyard: "spinner" }>): void => {
  const flag = new Int32Array(signal)
  const stopped = (wait: number): boolean => Atomics.wait(flag, 0, 0, wait) !== "timed-out"
  // Without a terminal there are no frames, and the thread is there all the same.
  const show = frames.length === 0 ? () => {} : write
  // The first frame after half an interval, like the spinner that is a fiber. The cursor stays visible: Ctrl-C ends a
  // process whose main thread is blocked before anything could show it again.
  let wait = millis / 2
  for (let index = 0; !stopped(wait); index++) {
    show(`\r${frames[index % frames.length] ?? ""}`)
    wait = millis
  }
  show(`\r${" ".repeat(width)}\r`)
}

// Standard error as a stream goes through the main thread, which is blocked.
const write = (text: string): void => {
  try {
    writeSync(2, text)
  } catch {
    // Nobody reads it any more.
  }
}
