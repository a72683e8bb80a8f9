// Cost as work grows: more files, and more connections, for halyard and for curl.
import { failures, rounds, summary } from "../contest.mjs"
import { programs } from "../programs.mjs"
import { over } from "../statistics.mjs"

// curl 7.88 takes a greater number for 300.
const curlConnectionsAtMost = 300

const series = async (bench, title, unit, points) => {
  const all = { title, halyard: undefined, rows: [], series: { unit, points: [] }, failures: [] }
  for (const { at, count, connections } of points) {
    const work = bench.prepare({ files: bench.content.small(count), origin: bench.servers.nginx, connections })
    const participants = ["halyard", "curl"].filter(
      (key) => bench.versions[key] !== undefined && (key === "halyard" || connections <= curlConnectionsAtMost)
    )
    const runs = await rounds(
      bench,
      bench.rounds(3, 1),
      participants.map((key) => [key, `${programs[key].name} at ${at}`, programs[key].call, work])
    )
    for (const key of participants) {
      const { filesPerSecond, rssMebibytes } = summary(runs[key], count)
      const cpuMicrosPerFile = over(runs[key], ({ cpuSeconds }) => (cpuSeconds / count) * 1e6)
      all.series.points.push({ at, name: programs[key].name, filesPerSecond, cpuMicrosPerFile, rssMebibytes })
      all.failures.push(...failures(`${programs[key].name} at ${at}`, runs[key]))
    }
  }
  return all
}

export const files = (bench) =>
  series(
    bench,
    "cost as the number of files grows, files of 4 to 8 KiB, 32 connections",
    "files",
    (bench.quick ? [500, 2000] : bench.long ? [1000, 10_000, 100_000, 1_000_000] : [1000, 10_000, 100_000]).map(
      (count) => ({
        at: count,
        count,
        connections: 32
      })
    )
  )

export const connections = (bench) =>
  series(
    bench,
    `cost as the number of connections grows, ${bench.quick ? "1,000" : "5,000"} files of 4 to 8 KiB`,
    "connections",
    (bench.quick ? [1, 32, 1024] : [1, 4, 16, 64, 256, 1024]).map((count) => ({
      at: count,
      count: bench.quick ? 1000 : 5000,
      connections: count
    }))
  )
