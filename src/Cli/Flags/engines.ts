/**
 * The engines of `halyard flags`, with the default and the maximum of their concurrency.
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
