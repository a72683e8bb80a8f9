/**
 * The ways to carry the requests out, with the concurrency of each: what it is by default, and at most.
 */
export const engines: {
  readonly [name in "sequential" | "threads" | "fibers"]: { readonly concurrency: number; readonly maximum: number }
} = {
  sequential: { concurrency: 1, maximum: 1 },
  // Each connection has its own worker thread, which takes about 30 MB.
  threads: { concurrency: 30, maximum: 30 },
  fibers: { concurrency: 5, maximum: 1000 }
}

export type Engine = keyof typeof engines
