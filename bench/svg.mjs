// The rate ratios as bars on a logarithmic scale around 1: to the right of it halyard is faster.

const width = 860
const left = 230
const right = 70
const rowHeight = 18

// Each of these is one piece of work for several programs.
const shown = ["B1", "B2", "B1-tls", "disk", "B3", "B3-tls", "B4", "B5", "B5-tls"]

const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;")

// Tones that can be read on white and on black: a viewer's own scheme is not always that of the page around the picture.
const style = `
  text { font: 12px system-ui, sans-serif; fill: #6e7681 }
  .name { text-anchor: end } .head { font-weight: 600 } .tick { text-anchor: middle }
  .grid { stroke: #8c959f; opacity: 0.35 } .one { stroke: #6e7681 } .range { stroke: #8c959f; stroke-width: 2 }
  .faster { fill: #2da44e } .slower { fill: #cf6a2b } .aim { stroke: #2f81f7; stroke-width: 3 }`

export const svg = (results) => {
  const groups = shown
    .filter((name) => results[name] !== undefined)
    .map((name) => [name, results[name]])
    .map(([name, { title, rows, quick }]) => ({
      title: `${name}: ${title}${quick ? " (quick)" : ""}`,
      rows: rows.filter(({ rate }) => rate !== undefined)
    }))
    .filter(({ rows }) => rows.length > 0)
  const ratios = groups.flatMap(({ rows }) =>
    rows.flatMap(({ rate, targets }) => [
      rate.min,
      rate.max,
      ...targets.flatMap(({ what, limit }) => (what === "rate" ? [limit] : []))
    ])
  )
  const low = Math.floor(Math.log2(Math.min(0.5, ...ratios)))
  const high = Math.ceil(Math.log2(Math.max(2, ...ratios)))
  const x = (ratio) => left + ((Math.log2(ratio) - low) / (high - low)) * (width - left - right)
  const parts = []
  let y = 44
  for (const { title, rows } of groups) {
    parts.push(`<text class="head" x="8" y="${y + 13}">${escaped(title)}</text>`)
    y += rowHeight + 4
    for (const { beside, rate, targets } of rows) {
      const [from, to] = [Math.min(x(1), x(rate.median)), Math.max(x(1), x(rate.median))]
      const middle = y + rowHeight / 2 - 2
      parts.push(
        `<text class="name" x="${left - 10}" y="${y + 12}">${escaped(beside)}</text>`,
        `<rect class="${rate.median >= 1 ? "faster" : "slower"}" x="${from.toFixed(1)}" y="${y}" width="${Math.max(1, to - from).toFixed(1)}" height="${rowHeight - 5}"/>`,
        `<path class="range" d="M${x(rate.min).toFixed(1)} ${middle}H${x(rate.max).toFixed(1)}"/>`,
        ...targets
          .filter(({ what }) => what === "rate")
          .map(({ limit }) => `<path class="aim" d="M${x(limit).toFixed(1)} ${y - 2}v${rowHeight - 1}"/>`),
        `<text class="name" x="${width - 10}" y="${y + 12}">${rate.median.toFixed(2)}</text>`
      )
      y += rowHeight
    }
    y += 12
  }
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => 2 ** (low + index)).flatMap((ratio) => [
    `<path class="${ratio === 1 ? "one" : "grid"}" d="M${x(ratio).toFixed(1)} 36V${y}"/>`,
    `<text class="tick" x="${x(ratio).toFixed(1)}" y="30">${ratio >= 1 ? ratio : `1/${1 / ratio}`}</text>`
  ])
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 8}" width="${width}" height="${y + 8}" role="img">`,
    "<title>Rate of halyard over the rate of each peer; median, and a line from least to greatest</title>",
    `<style>${style}\n</style>`,
    `<text class="head" x="8" y="14">rate of halyard ÷ rate of the peer: median, least to greatest, and the target in blue</text>`,
    ...ticks,
    ...parts,
    "</svg>",
    ""
  ].join("\n")
}
