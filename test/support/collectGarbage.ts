/**
 * The garbage collector of the test's process, so that a test measures the memory of what is alive.
 */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

setFlagsFromString("--expose-gc")
const collect: () => void = runInNewContext("gc")

/** The bytes of all objects that are alive, in and outside of the heap. */
export const liveBytes = (): number => {
  // The memory of array buffers is freed after the first collection.
  collect()
  collect()
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}
