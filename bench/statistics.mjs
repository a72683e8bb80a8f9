// Medians, and the ratios of runs that were made beside each other.

/** Median, least and greatest; undefined of nothing. */
export const spread = (values) => {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b)
  if (sorted.length === 0) {
    return undefined
  }
  const middle = sorted.length / 2
  const median = sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2
  return { median, min: sorted[0], max: sorted.at(-1) }
}

/** `quotient` of each round in which both runs were right. */
export const paired = (ours, theirs, quotient) =>
  spread(
    ours.flatMap((our, round) => {
      const their = theirs[round]
      return their !== undefined && our.failure === undefined && their.failure === undefined
        ? [quotient(our, their)]
        : []
    })
  )

export const over = (runs, value) => spread(runs.filter(({ failure }) => failure === undefined).map(value))

const comparisons = {
  "≥": (value, limit) => value >= limit,
  "≤": (value, limit) => value <= limit
}

/** A target and whether the median reached it. */
export const target = (what, stat, comparison, limit, unit = "") => ({
  what,
  limit,
  text: `${what} ${comparison} ${limit}${unit}`.trim(),
  met: stat === undefined ? undefined : comparisons[comparison](stat.median, limit)
})
