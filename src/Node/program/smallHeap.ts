/**
 * Keeps the heap small during a run, which makes much garbage and keeps little.
 *
 * V8 lets the young generation grow to two spaces of 16 MiB, and the old generation to a multiple of its live objects before the next
 * collection. A run of 10,000 files took 130 MiB, of which 50 MiB were not needed. The limits of V8 are fixed at the start of a process,
 * but the growth factors can be changed later.
 *
 * Only the program does this, because the flags are those of the whole process.
 */
import { setFlagsFromString } from "node:v8"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

// `usual` is V8's default. A factor of 1 keeps the size of the young generation. A percentage of 0 lets V8 choose one, up to 300.
const flags = [
  { name: "--semi-space-growth-factor", usual: 2, small: 1 },
  { name: "--heap-growing-percent", usual: 0, small: 50 }
] as const

const set = (which: "usual" | "small") =>
  Effect.sync(() => {
    for (const flag of flags) {
      setFlagsFromString(`${flag.name}=${flag[which]}`)
    }
  })

/** Sets the flags, and resets them with the scope: V8 rejects cached code that was compiled with other flags. */
export const layer: Layer.Layer<never> = Layer.scopedDiscard(Effect.acquireRelease(set("small"), () => set("usual")))
