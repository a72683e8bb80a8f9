// What options cost beside the defaults, in the same rounds: in memory, on a pseudo-terminal, and on a disk.
import { contest, failures, rounds, row, summary } from "../contest.mjs"
import { hasTerminals } from "../measure.mjs"
import { halyardWith, programs } from "../programs.mjs"
import { over } from "../statistics.mjs"

const connections = 32

const work = (bench, count, isOnDisk = false) =>
  bench.prepare({ files: bench.content.small(count), origin: bench.servers.nginx, connections, isOnDisk })

const overRename = [
  ["rate", "≥", 0.85],
  ["cpu", "≤", 1.2]
]

const intoFile = (call) => (job) => ({ ...call(job), output: "file" })

const onTerminal = (call) => (job) => ({ ...call(job), terminal: true })

const withReport = (job) => halyardWith("--report", `${job.directory}.html`)(job)

/** The default options beside `--durability rename`, and other options beside the default ones. */
export const options = async (bench) => {
  const files = work(bench, bench.quick ? 1000 : 10_000)
  const participants = [
    ["default", "halyard", programs.halyard.call],
    ["rename", "halyard --durability rename", halyardWith("--durability", "rename")],
    ["json", "halyard --json", intoFile(halyardWith("--json"))],
    ["report", "halyard --report", withReport],
    ["pipeline", "halyard --pipeline 8", halyardWith("--pipeline", "8")],
    ...(hasTerminals()
      ? [
          ["bar", "halyard on a terminal", onTerminal(halyardWith("--progress", "bar"))],
          ["noBar", "halyard --progress none on a terminal", onTerminal(halyardWith("--progress", "none"))]
        ]
      : [])
  ]
  const runs = await rounds(
    bench,
    bench.rounds(7, 2),
    participants.map((participant) => [...participant, files])
  )
  // The memory is that of the variant.
  const beside = (name, key, other, targets = [], variant = key) => ({
    ...row(name, runs[key], runs[other], targets),
    rssMebibytes: over(runs[variant], ({ rssBytes }) => rssBytes / 1024 / 1024)
  })
  const barName = "a bar ÷ no bar, on a terminal"
  return {
    title: `${files.files.length.toLocaleString("en")} files of 4 to 8 KiB, ${connections} connections, ${place(bench)}`,
    halyard: summary(runs.default, files.files.length),
    rows: [
      beside("default ÷ --durability rename", "default", "rename", overRename, "rename"),
      beside("--json to a file ÷ default", "json", "default", [
        ["rate", "≥", 0.95],
        ["cpu", "≤", 1.05]
      ]),
      beside("--report ÷ default", "report", "default", [["cpu", "≤", 1.05]]),
      runs.bar === undefined
        ? { beside: barName, missing: "not measured: there is no program script", targets: [] }
        : beside(barName, "bar", "noBar", [["cpu", "≤", 1.05]]),
      beside("--pipeline 8 ÷ default", "pipeline", "default")
    ],
    failures: participants.flatMap(([key, label]) => failures(label, runs[key]))
  }
}

const place = ({ workspace }) => (workspace.onTmpfs ? "on tmpfs" : "not on tmpfs")

/** The default options on a disk, beside `--durability rename` and beside peers with and without a sync. */
export const disk = async (bench) => {
  const { diskName } = bench.workspace
  const count = bench.quick ? 1000 : 10_000
  const title = `${count.toLocaleString("en")} files of 4 to 8 KiB, ${connections} connections, on ${diskName ?? "a disk"}`
  const name = "default ÷ --durability rename"
  if (diskName === undefined) {
    bench.rounds(1, 1)
    const missing = "not measured: neither the temporary directory nor the checkout is on a disk"
    return { title, rows: [{ beside: name, missing, targets: [] }], failures: [] }
  }
  const files = work(bench, count, true)
  const result = await contest(bench, {
    work: files,
    count: bench.rounds(5, 2),
    peers: ["curl", "curlSynced", "wget2", "wget2Synced", "aria2c"],
    atMost: { aria2c: 2 },
    others: [["rename", "halyard --durability rename", halyardWith("--durability", "rename"), files]]
  })
  return { title, ...result, rows: [row(name, result.runs.halyard, result.runs.rename, overRename), ...result.rows] }
}
