// B8 and B9: what the engine costs over a loop without it, and what its policies cost, by the library.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { failures, figure, rounds, row, summary } from "../contest.mjs"
import { libraryProgram } from "../programs.mjs"
import { paired, target } from "../statistics.mjs"

const program =
  (file, ...args) =>
  (job) => ({
    command: process.execPath,
    args: [file, job.list, job.directory, String(job.connections), "1", ...args],
    output: "kept"
  })

const ports = (durability) => program(libraryProgram("ports.mjs"), durability)
const engine = (policies) => program(libraryProgram("engine.mjs"), policies)

const failed = (runs) => Object.entries(runs).flatMap(([key, all]) => failures(key, all))

const cpuMicros = ({ output }) => Number(output.trimEnd().split("\n").at(-1))

export const B8 = async (bench) => {
  const count = bench.quick ? 2000 : 10_000
  const work = bench.prepare({ files: bench.content.small(count), origin: bench.servers.nginx, connections: 32 })
  const runs = await rounds(bench, bench.rounds(3, 2), [
    ["engine", "engine", engine("plain"), work],
    ["ports", "ports", ports("rename"), work],
    ["platform", "the engine over HttpClient and FileSystem", engine("platform"), work],
    ["raw", "loop without Effect", program(libraryProgram("rawLoop.mjs")), work],
    ["bare", "loop on bare sockets", program(libraryProgram("bareSockets.mjs")), work]
  ])
  const perFile = (ours, theirs) => paired(ours, theirs, (our, their) => (cpuMicros(our) - cpuMicros(their)) / count)
  const costs = "CPU a file more by"
  return {
    title: `what Effect and the engine cost, ${count.toLocaleString("en")} files of 4 to 8 KiB, 32 connections, by the library, without syncs`,
    halyard: summary(runs.engine, count),
    rows: [
      row("loop without Effect", runs.engine, runs.raw),
      row("itself over HttpClient and FileSystem", runs.engine, runs.platform),
      figure("loop without Effect", `engine: ${costs}`, perFile(runs.engine, runs.raw), "≤", 15, " µs"),
      figure(
        "loop without Effect",
        `ports alone: ${costs}`,
        perFile(runs.ports, runs.raw),
        undefined,
        undefined,
        " µs"
      ),
      figure(
        "loop on bare sockets",
        `transport and store by their calls: ${costs}`,
        perFile(runs.raw, runs.bare),
        undefined,
        undefined,
        " µs"
      ),
      figure("ports alone", `engine: ${costs}`, perFile(runs.engine, runs.ports), undefined, undefined, " µs")
    ],
    failures: failed(runs)
  }
}

export const B9 = async (bench) => {
  const count = bench.quick ? 2000 : 10_000
  const work = bench.prepare({ files: bench.content.small(count), origin: bench.servers.nginx, connections: 32 })
  const list = join(bench.workspace.fresh("work"), "list")
  writeFileSync(list, work.files.map(({ path, digest }) => `${bench.servers.nginx}${path} sha256:${digest}\n`).join(""))
  const runs = await rounds(bench, bench.rounds(3, 2), [
    ["all", "all policies", engine("all"), { ...work, list }],
    ["bare", "no policies", engine("bare"), { ...work, list }],
    ["ports", "ports", ports("full"), work]
  ])
  const rate = row("no policies", runs.all, runs.bare)
  return {
    title: `all policies against none, ${count.toLocaleString("en")} files of 4 to 8 KiB, 32 connections, by the library`,
    halyard: summary(runs.all, count),
    rows: [
      { ...rate, targets: [target("rate", rate.rate, "≥", 0.85)] },
      row("ports alone, no engine", runs.all, runs.ports)
    ],
    failures: failed(runs)
  }
}
