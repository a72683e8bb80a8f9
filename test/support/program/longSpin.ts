/**
 * A `halyard spin` that has not ended when a test interrupts it. Its function takes 3 seconds, and on a busy machine they may pass before.
 */

// The wait of the function, in a fiber and in a blocked thread. A fiber that begins late may wait for less than 3 seconds.
const preload = `const { setTimeout: later } = globalThis
const { wait } = Atomics
const long = (millis) => (millis >= 2900 && millis <= 3000 ? 600_000 : millis)
globalThis.setTimeout = (call, millis, ...rest) => later(call, long(millis), ...rest)
Atomics.wait = (array, index, value, millis) => wait(array, index, value, long(millis))`

/** The environment in which the function of `halyard spin` takes ten minutes. */
export const longSpin: Readonly<Record<string, string>> = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}`
}
