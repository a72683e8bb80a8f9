// The results as text for a terminal and as Markdown.
import { limits } from "./limits.mjs"

const digits = (value) =>
  value === undefined ? "-" : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)

const around = (stat, unit = "") =>
  stat === undefined
    ? "-"
    : stat.min === stat.max
      ? `${digits(stat.median)}${unit}`
      : `${digits(stat.median)}${unit} (${digits(stat.min)} to ${digits(stat.max)})`

const met = (value) => (value === undefined ? "not measured" : value ? "met" : "missed")

const headsWith = (shares) => [
  "beside",
  "rate ×",
  "CPU ×",
  "RSS MiB",
  ...(shares ? ["of the bare loop's rate"] : []),
  "whole or not at all",
  "on disk when announced",
  "target"
]

const cellsWith =
  (shares) =>
  ({ beside, version, missing, rate, cpu, rssMebibytes, shareOfLimit, atomic, onDisk = "", figure, targets }) => {
    const aims = targets.map((aim) => `${aim.text}: ${met(aim.met)}`).join("; ")
    const name = version === undefined ? beside : `${beside} ${version}`
    const share = (text) => (shares ? [text] : [])
    if (missing) {
      return [name, missing === true ? "not installed" : missing, "", "", ...share(""), "", "", ""]
    }
    return figure === undefined
      ? [
          name,
          around(rate),
          around(cpu),
          around(rssMebibytes),
          ...share(around(shareOfLimit)),
          atomic === undefined ? "" : atomic ? "yes" : "no",
          onDisk,
          aims
        ]
      : [
          name,
          figure.median === undefined ? figure.what : `${figure.what} ${around(figure, figure.unit)}`,
          "",
          "",
          ...share(""),
          "",
          "",
          aims
        ]
  }

const rowTable = (rows) => {
  const shares = rows.some(({ shareOfLimit }) => shareOfLimit !== undefined)
  return [headsWith(shares), rows.map(cellsWith(shares))]
}

const seriesHeads = (unit) => [unit, "program", "files/s", "CPU µs a file", "RSS MiB"]

const seriesCells = ({ at, name, filesPerSecond, cpuMicrosPerFile, rssMebibytes }) => [
  at.toLocaleString("en"),
  name,
  around(filesPerSecond),
  around(cpuMicrosPerFile),
  around(rssMebibytes)
]

const percent = (share) => `${(share * 100).toFixed(1)} %`

const profileTables = ({ areas = [], functions = [], per, title }) =>
  [
    [areas, "where"],
    [functions, "function"]
  ].map(([entries, what]) => [
    [`${title}: ${what}`, "of the busy time", `µs a ${per}`],
    entries.map(({ micros, name, share }) => [name, percent(share), digits(micros)])
  ])

const tables = (result) => [
  ...(result.profiles ?? []).flatMap(profileTables),
  ...(result.rows.length === 0 ? [] : [rowTable(result.rows)]),
  ...(result.series === undefined ? [] : [[seriesHeads(result.series.unit), result.series.points.map(seriesCells)]])
]

const heading = ({ title, quick, rounds }) =>
  `${title}; ${rounds} round${rounds === 1 ? "" : "s"}${quick ? ", quick" : ""}`

const duration = ({ minutes }) => (minutes === undefined ? "" : `, ${minutes} minutes`)

const speed = ({ filesPerSecond, mebibytesPerSecond }) =>
  mebibytesPerSecond === undefined
    ? `${digits(filesPerSecond.median)} files/s`
    : `${digits(mebibytesPerSecond.median)} MiB/s`

const ours = ({ halyard }) =>
  halyard?.seconds === undefined
    ? undefined
    : `halyard: ${around(halyard.seconds, " s")}, ${speed(halyard)}, ` +
      `${digits(halyard.cpuSeconds.median)} CPU s, ${digits(halyard.rssMebibytes.median)} MiB` +
      (halyard.shareOfLimit === undefined ? "" : `, ${around(halyard.shareOfLimit)} of the bare loop's rate`)

const aligned = (head, body) => {
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((cells) => cells[column].length)))
  return [head, ...body].map((cells) => `    ${cells.map((cell, at) => cell.padEnd(widths[at])).join("  ")}`.trimEnd())
}

/** One benchmark as plain text. */
export const text = (name, result) =>
  [
    `${name}  ${heading(result)}`,
    ...[ours(result)].flatMap((line) => (line === undefined ? [] : [`    ${line}`])),
    ...tables(result).flatMap(([head, body]) => aligned(head, body)),
    ...result.failures.map((failure) => `    FAILED ${failure}`),
    `    after ${result.minutes} minutes`,
    ""
  ].join("\n")

const isMissed = ({ rows }) => rows.some(({ targets }) => targets.some((aim) => aim.met === false))

const explained = (name, result) => {
  const { limit, tried } = limits[name] ?? {}
  return limit === undefined || !isMissed(result)
    ? []
    : [`Why: ${limit}`, "", "What was tried:", "", ...tried.map((what) => `- ${what}`), ""]
}

const piped = (cells) => `| ${cells.join(" | ")} |`

const section = ([name, result]) =>
  [
    `## ${name}: ${heading(result)}`,
    "",
    ...[ours(result)].flatMap((line) => (line === undefined ? [] : [line, ""])),
    ...tables(result).flatMap(([head, body]) => [piped(head), piped(head.map(() => "---")), ...body.map(piped), ""]),
    ...explained(name, result),
    ...result.failures.map((failure) => `- FAILED ${failure}`),
    `${result.at}, halyard ${result.version} (${result.commit}), ${result.machine}${duration(result)}`,
    ""
  ].join("\n")

/** All that is known, as Markdown. */
export const markdown = (results) =>
  [
    "# Results of the benchmarks",
    "",
    "Written by `npm run bench`; [how to read this](../README.md). Each section is the newest run of that benchmark.",
    "",
    "![rate ratios](latest.svg)",
    "",
    ...Object.entries(results).map(section)
  ].join("\n")
