/**
 * Gives the event loop a turn after each test. Tests under a test clock only run microtasks: a file of them that takes longer than a
 * minute would keep the worker from reading the answers of vitest, which then reports time-outs.
 */
import { afterEach } from "vitest"

afterEach(
  () =>
    new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
)
