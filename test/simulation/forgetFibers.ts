/**
 * Lets go of the fibers of a process that was killed.
 *
 * Effect refers to a root fiber until it ends. The fibers of a killed process never end, and neither they nor their world could be
 * collected: 5000 seeds would take more than a gigabyte.
 */
import type { RuntimeFiber } from "effect/Fiber"
import { globalValue } from "effect/GlobalValue"
import type { World } from "../../src/testing/World.js"

// Effect has no function for this. Under this name it keeps its set of root fibers.
const scope = () =>
  globalValue(Symbol.for("effect/FiberScope/Global"), (): { readonly roots: Set<RuntimeFiber<unknown, unknown>> } => ({
    roots: new Set()
  }))

export const forgetFibers = (world: World): void => {
  for (const fiber of world.livingFibers()) {
    scope().roots.delete(fiber)
  }
}
