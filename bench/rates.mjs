// The tables of the documentation that are written from the results. A comment before a table names its content:
// <!-- rates beside curl -Z, wget2 -->        a row for each piece of work, a column for each program; bold: it is ahead of halyard
// <!-- CPU times beside curl -Z, wget2 -->    the same for CPU times
// <!-- rates of options -->                   the rows that compare two runs of halyard
// <!-- figures of B7, start -->               the figures that are no ratio of two programs

/** The pages with such tables. */
export const pages = ["README.md", "docs/performance.md"]

const works = ["B1", "B2", "B1-tls", "B1-slow", "disk", "B3", "B3-tls", "B4", "B5", "B5-tls"]

const optionWorks = ["options", "disk"]

/** A page with its tables as the results have them. */
export const withRates = (page, results) =>
  page
    .replace(
      /(<!-- (rates|CPU times) beside (.*) -->\n)(?:\|.*\n)*/g,
      (_, comment, what, names) => comment + ratiosBeside(what === "rates" ? "rate" : "cpu", names.split(", "), results)
    )
    .replace(/(<!-- rates of options -->\n)(?:\|.*\n)*/g, (_, comment) => comment + ofOptions(results))
    .replace(
      /(<!-- figures of (.*) -->\n)(?:\|.*\n)*/g,
      (_, comment, names) => comment + figures(names.split(", "), results)
    )

// Nothing has been measured if there are no rows.
const table = (heads, body) =>
  (body.length === 0 ? [] : [heads, heads.map(() => "---"), ...body])
    .map((cells) => `| ${cells.join(" | ")} |\n`)
    .join("")

const titleOf = ({ quick, title }) => (quick ? `${title}, quick` : title)

const measured = (names, results) => names.flatMap((name) => (results[name] === undefined ? [] : [results[name]]))

const medianBeside = (ratio, { rows }, peer) => rows.find((row) => row.beside === peer)?.[ratio]?.median

const boldIf = (isAhead) => (median) =>
  median !== undefined && isAhead(median) ? `**${digits(median)}**` : digits(median)

const boldIfAhead = { rate: boldIf((rate) => rate < 1), cpu: boldIf((cpu) => cpu > 1) }

const ratiosBeside = (ratio, peers, results) =>
  table(
    ["work", ...peers],
    measured(works, results).flatMap((result) => {
      const medians = peers.map((peer) => medianBeside(ratio, result, peer))
      return medians.every((median) => median === undefined)
        ? []
        : [[titleOf(result), ...medians.map(boldIfAhead[ratio])]]
    })
  )

// A row that compares two runs of halyard has a division sign in its name.
const ofOptions = (results) =>
  table(
    ["compared", "rate ÷", "CPU time ÷", "work"],
    measured(optionWorks, results).flatMap((result) =>
      result.rows
        .filter(({ beside, rate }) => beside.includes("÷") && rate !== undefined)
        .map(({ beside, cpu, rate }) => [beside, digits(rate.median), digits(cpu?.median), titleOf(result)])
    )
  )

const figures = (names, results) =>
  table(
    ["work", "beside", "figure"],
    measured(names, results).flatMap((result) =>
      result.rows
        .filter(({ figure }) => figure?.median !== undefined)
        .map(({ beside, figure }) => [titleOf(result), beside, `${figure.what} ${digits(figure.median)}${figure.unit}`])
    )
  )

const digits = (value) =>
  value === undefined ? "" : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
