// What the loop of Node alone can do, and the share of it that the program reaches: the least calls for a file, without
// Effect, without a pool of connections, and without any of halyard's checks.
import { failures, figure, rounds, row, summary } from "../contest.mjs"
import { programs } from "../programs.mjs"
import { over, paired } from "../statistics.mjs"

const connections = 32

const bare = (mode) => (job) => {
  const { args, ...rest } = programs.bare.call(job)
  return { ...rest, args: [...args, mode], output: "kept" }
}

const cpuMicros = ({ output }) => Number(output.trimEnd().split("\n").at(-1))

const measured = async (bench, count, times, share) => {
  const work = bench.prepare({ files: bench.content.small(count), origin: bench.servers.nginx, connections })
  // The halves of the loop leave no files of the server to look at.
  const half = { ...work, files: [] }
  const at = `${count.toLocaleString("en")} files`
  const participants = [
    ["halyard", `halyard, ${at}`, programs.halyard.call, work],
    ["loop", `bare loop, ${at}`, bare("both"), work],
    ["sockets", `bare loop, sockets only, ${at}`, bare("sockets"), half],
    ["files", `bare loop, files only, ${at}`, bare("files"), half]
  ]
  const runs = await rounds(bench, times, participants)
  const shareOf = (value) => paired(runs.halyard, runs.loop, (our, limit) => value(limit) / value(our))
  const micros = (key, what) =>
    figure(
      `${at}: bare loop`,
      what,
      over(runs[key], (run) => cpuMicros(run) / count),
      undefined,
      undefined,
      " µs"
    )
  const aim = share === undefined ? [undefined, undefined] : ["≥", share]
  return {
    halyard: summary(runs.halyard, count),
    rows: [
      row(`${at}: bare loop`, runs.halyard, runs.loop),
      figure(
        `${at}: bare loop`,
        "share of its rate that the program reaches",
        shareOf(({ wallSeconds }) => wallSeconds),
        ...aim
      ),
      figure(
        `${at}: bare loop`,
        "its CPU time ÷ the program's",
        shareOf(({ cpuSeconds }) => cpuSeconds),
        ...aim
      ),
      micros("loop", "CPU time of a file"),
      micros("sockets", "CPU time of a file, sockets only"),
      micros("files", "CPU time of a file, open, write, close and rename only")
    ],
    failures: participants.flatMap(([key, label]) => failures(label, runs[key]))
  }
}

export const limits = async (bench) => {
  const [few, many] = bench.quick ? [1000, 5000] : [10_000, 100_000]
  const count = bench.rounds(3, 1)
  const short = await measured(bench, few, count, undefined)
  const long = await measured(bench, many, Math.min(count, 2), 0.7)
  return {
    title: `the share of the bare loop of Node, ${few.toLocaleString("en")} and ${many.toLocaleString("en")} files of 4 to 8 KiB, ${connections} connections`,
    halyard: long.halyard,
    rows: [...short.rows, ...long.rows],
    failures: [...short.failures, ...long.failures]
  }
}
