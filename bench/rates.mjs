// The tables of download rates in the documentation, from the results. A comment before a table names its columns:
// <!-- rates beside curl -Z, wget2 -->

/** The pages with such tables. */
export const pages = ["README.md", "docs/performance.md"]

const benchmarks = ["B1", "B2", "B3", "B4", "B5"]

/** A page with its tables as the results have them. */
export const withRates = (page, results) =>
  page.replace(
    /(<!-- rates beside (.*) -->\n)(?:\|.*\n)*/g,
    (_, comment, names) => comment + table(names.split(", "), results)
  )

const table = (columns, results) =>
  [
    ["work", ...columns],
    ["---", ...columns.map(() => "---")],
    ...benchmarks.flatMap((name) => {
      const { quick, rows = [], title } = results[name] ?? {}
      const rates = columns.map((column) => rows.find(({ beside }) => beside === column)?.rate?.median)
      return rates.every((rate) => rate === undefined)
        ? []
        : [[quick ? `${title}, quick` : title, ...rates.map(digits)]]
    })
  ]
    .map((cells) => `| ${cells.join(" | ")} |\n`)
    .join("")

const digits = (rate) => (rate === undefined ? "" : rate.toFixed(2))
