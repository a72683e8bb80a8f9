// The tables of download rates in the documentation, from the results. A comment before a table or a list names its content:
// <!-- rates beside curl -Z, wget2 -->, <!-- rates of options -->, <!-- peers ahead: curl -Z, wget2 -->

/** The pages with such tables. */
export const pages = ["README.md", "docs/performance.md"]

const works = ["B1", "B2", "B1-tls", "B1-slow", "disk", "B3", "B3-tls", "B4", "B5", "B5-tls"]

const optionWorks = ["options", "disk"]

/** A page with its tables as the results have them. */
export const withRates = (page, results) =>
  page
    .replace(
      /(<!-- rates beside (.*) -->\n)(?:\|.*\n)*/g,
      (_, comment, names) => comment + ratesBeside(names.split(", "), results)
    )
    .replace(/(<!-- rates of options -->\n)(?:\|.*\n)*/g, (_, comment) => comment + ratesOfOptions(results))
    .replace(
      /(<!-- peers ahead: (.*) -->\n)(?:- .*\n)*/g,
      (_, comment, names) => comment + peersAhead(names.split(", "), results)
    )

const table = (lines) => lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("")

const titleOf = ({ quick, title }) => (quick ? `${title}, quick` : title)

const measured = (names, results) => names.flatMap((name) => (results[name] === undefined ? [] : [results[name]]))

const rateBeside = ({ rows }, peer) => rows.find(({ beside }) => beside === peer)?.rate?.median

const ratesBeside = (peers, results) =>
  table([
    ["work", ...peers],
    ["---", ...peers.map(() => "---")],
    ...measured(works, results).flatMap((result) => {
      const rates = peers.map((peer) => rateBeside(result, peer))
      return rates.every((rate) => rate === undefined) ? [] : [[titleOf(result), ...rates.map(digits)]]
    })
  ])

// A row that compares two runs of halyard has a division sign in its name.
const ratesOfOptions = (results) =>
  table([
    ["compared", "rate ÷", "CPU time ÷", "work"],
    ["---", "---", "---", "---"],
    ...measured(optionWorks, results).flatMap((result) =>
      result.rows
        .filter(({ beside, rate }) => beside.includes("÷") && rate !== undefined)
        .map(({ beside, cpu, rate }) => [beside, digits(rate.median), digits(cpu?.median), titleOf(result)])
    )
  ])

const peersAhead = (peers, results) =>
  peers
    .map((peer) => {
      const ahead = measured(works, results).flatMap((result) => {
        const rate = rateBeside(result, peer)
        return rate === undefined || rate >= 1 ? [] : [`${titleOf(result)} (${digits(1 / rate)})`]
      })
      return ahead.length === 0 ? "" : `- ${peer}: ${ahead.join("; ")}\n`
    })
    .join("")

const digits = (rate) => (rate === undefined ? "" : rate.toFixed(2))
