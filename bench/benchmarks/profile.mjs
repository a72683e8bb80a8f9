// Where the time of halyard's own process goes, for the work of B1, B3 and B5.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { runOnce } from "../contest.mjs"
import { read } from "../cpuProfile.mjs"
import { libraryProgram, programs } from "../programs.mjs"

const mebibyte = 1024 * 1024

const profiled = (job) => {
  const { args, command } = programs.halyard.call(job)
  return {
    command,
    args: [
      "--cpu-prof",
      "--cpu-prof-interval=200",
      `--cpu-prof-dir=${join(job.directory, "..", "profile")}`,
      libraryProgram("program.mjs"),
      ...args.slice(1)
    ]
  }
}

const functionsShown = 12

const profileOf = async (bench, title, work, per, count) => {
  let profile
  const keep = (job) => {
    profile = join(job.directory, "..", "profile")
    return profiled(job)
  }
  const readIt = () => {
    const [name] = readdirSync(profile)
    return read(JSON.parse(readFileSync(join(profile, name), "utf8")))
  }
  let result
  const { failure } = await runOnce(bench, title, keep, work, () => {
    result = readIt()
  })
  if (result === undefined) {
    return { title, failure: failure ?? "there is no profile" }
  }
  const { areas, busyMillis, functions, idleMillis } = result
  const cells = ([name, millis]) => ({ name, share: millis / busyMillis, micros: (millis * 1000) / count })
  return {
    title,
    per,
    failure,
    busyMillis,
    idleMillis,
    areas: areas.map(cells),
    functions: functions.slice(0, functionsShown).map(cells)
  }
}

export const profile = async (bench) => {
  const count = bench.quick ? 2000 : 10_000
  const mebibytes = bench.quick ? 256 : 1024
  const { latency, nginx } = bench.servers
  bench.rounds(1, 1)
  const profiles = [
    await profileOf(
      bench,
      `${count.toLocaleString("en")} files of 4 to 8 KiB, 32 connections`,
      bench.prepare({ files: bench.content.small(count), origin: nginx, connections: 32 }),
      "file",
      count
    ),
    await profileOf(
      bench,
      `one file of ${mebibytes} MiB`,
      bench.prepare({
        files: bench.content.large(mebibytes),
        origin: nginx,
        connections: 1,
        bytes: mebibytes * mebibyte
      }),
      "MiB",
      mebibytes
    ),
    await profileOf(
      bench,
      "1,000 files at 50 ms latency, 64 connections",
      bench.prepare({ files: bench.content.small(1000), origin: latency, connections: 64 }),
      "file",
      1000
    )
  ]
  return {
    title: "where the time of the process goes, by its profile",
    rows: [],
    profiles,
    failures: profiles.flatMap(({ failure, title }) => (failure === undefined ? [] : [`${title}: ${failure}`]))
  }
}
