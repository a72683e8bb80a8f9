// Where a target is missed: what was tried for it, and what stands in the way. Shown under the table as long as it is missed.
// Where the time goes is in the section `profile` of the results.

/** By the name of the benchmark. */
export const limits = {}
