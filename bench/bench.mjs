// Runs halyard beside its peers and prints ratios: node bench/bench.mjs [NAME…] [--quick] [--long] [--rounds N]
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { availableParallelism, cpus, loadavg, totalmem } from "node:os"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { benchmarks } from "./benchmarks.mjs"
import { makeContent } from "./content.mjs"
import { prepare } from "./contest.mjs"
import { hasGnuTime, killMeasured } from "./measure.mjs"
import { binary, programs } from "./programs.mjs"
import { pages, withRates } from "./rates.mjs"
import { markdown, text } from "./report.mjs"
import { hasNginx, startServers } from "./servers.mjs"
import { svg } from "./svg.mjs"
import { makeWorkspace } from "./workspace.mjs"

const gibibyte = 1024 ** 3
const here = (path) => fileURLToPath(new URL(path, import.meta.url))

const refuse = (sentence) => {
  process.stderr.write(`${sentence}\n`)
  process.exit(2)
}

const readArguments = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { quick: { type: "boolean" }, long: { type: "boolean" }, rounds: { type: "string" } }
    })
  } catch (error) {
    return refuse(`${error.message.split(". ")[0].replace(/\.$/, "")}.`)
  }
}

const { positionals, values } = readArguments()
const unknown = positionals.filter((name) => benchmarks[name] === undefined)
if (unknown.length > 0) {
  refuse(`There is no benchmark named ${unknown.join(" or ")}; there are ${Object.keys(benchmarks).join(", ")}.`)
}
if (values.rounds !== undefined && !/^[1-9]\d*$/.test(values.rounds)) {
  refuse(`--rounds takes a whole number from 1, not ${values.rounds}.`)
}
if (!hasGnuTime()) {
  refuse("The benchmarks need GNU time as /usr/bin/time (Debian package time).")
}
if (!hasNginx()) {
  refuse("The benchmarks need nginx (Debian package nginx).")
}
if (!existsSync(binary)) {
  refuse("There is no dist/bin.cjs; npm run bench builds it.")
}

const installPeers = () => {
  if (!existsSync(here("peers/node_modules"))) {
    try {
      execFileSync("npm", ["ci", "--silent", "--ignore-scripts"], { cwd: here("peers"), stdio: "inherit" })
    } catch {
      process.stderr.write("The peers from npm could not be installed; they are left out.\n")
    }
  }
}

const commit = () => {
  try {
    const git = (...args) => execFileSync("git", args, { cwd: here("."), encoding: "utf8" }).trim()
    return (
      git("log", "-1", "--format=%h", "--", "../src") +
      (git("status", "--porcelain", "--", "../src") === "" ? "" : " and changes")
    )
  } catch {
    return "unknown commit"
  }
}

const save = (fresh) => {
  mkdirSync(here("results"), { recursive: true })
  const file = here("results/latest.json")
  const all = { ...(existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {}), ...fresh }
  const known = Object.keys(benchmarks).filter((name) => all[name] !== undefined)
  const results = Object.fromEntries(known.map((name) => [name, all[name]]))
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`)
  writeFileSync(here("results/latest.md"), markdown(results))
  writeFileSync(here("results/latest.svg"), svg(results))
  for (const page of pages) {
    writeFileSync(here(`../${page}`), withRates(readFileSync(here(`../${page}`), "utf8"), results))
  }
}

installPeers()
const versions = Object.fromEntries(Object.entries(programs).map(([key, { version }]) => [key, version()]))
const workspace = makeWorkspace(4 * gibibyte)
let servers
const stop = async () => {
  killMeasured()
  await servers?.stop()
  workspace.remove()
}
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129]
]) {
  process.once(signal, () => stop().finally(() => process.exit(code)))
}

// A benchmark that cannot be measured is reported, and the next one begins.
const runBenchmark = async (name, bench) => {
  try {
    return await benchmarks[name](bench)
  } catch ({ message }) {
    return { title: "not measured", rows: [], failures: [message] }
  }
}

const chosen = positionals.length === 0 ? Object.keys(benchmarks) : positionals
const quick = values.quick === true
const machine = `${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / gibibyte)} GiB, Node ${process.versions.node}, ${process.platform}, ${workspace.onTmpfs ? "tmpfs" : "no tmpfs"}, load ${loadavg()[0]?.toFixed(1)} before`

let failed = false
try {
  servers = await startServers(workspace)
  const content = makeContent(`${workspace.root}/content`)
  process.stdout.write(`${machine}\n\n`)
  for (const name of chosen) {
    const begun = performance.now()
    let rounds = 0
    const bench = {
      workspace,
      servers,
      content,
      versions,
      quick,
      long: values.long === true,
      rounds: (full, few) => {
        rounds = values.rounds === undefined ? (quick ? few : full) : Number(values.rounds)
        return rounds
      },
      prepare: (work) => prepare(bench, work),
      tell: (label, { failure, wallSeconds }) => {
        process.stderr.write(`${name} ${label}: ${failure ?? `${wallSeconds.toFixed(2)} s`}\n`)
      }
    }
    const { runs: _, ...measured } = await runBenchmark(name, bench)
    const result = {
      ...measured,
      quick,
      rounds,
      minutes: Number(((performance.now() - begun) / 60_000).toFixed(1)),
      at: new Date().toISOString().slice(0, 16).replace("T", " "),
      version: versions.halyard,
      commit: commit(),
      machine
    }
    failed ||= result.failures.length > 0
    process.stdout.write(`${text(name, result)}\n`)
    save({ [name]: result })
  }
} finally {
  await stop()
}
process.exit(failed ? 1 : 0)
