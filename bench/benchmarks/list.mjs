// B7: a list that is longer than anything else: one URL a line on standard input, each of a file of 10 bytes of its own.
import { readdirSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { failures, figure, rounds, summary } from "../contest.mjs"
import { measure } from "../measure.mjs"
import { programs } from "../programs.mjs"
import { over, paired } from "../statistics.mjs"

const fromInput = (job) => ({ ...programs.halyard.call({ ...job, input: job.list }), limitMinutes: 20 })

// Gives some lines, leaves the input open, and looks for a file; then ends the input.
const savesBeforeTheEnd = async (bench) => {
  const scratch = bench.workspace.fresh("open-list")
  const directory = bench.workspace.fresh("open-list-out")
  const urls = bench.content.tiny(100).map(({ path }) => `${bench.servers.nginx}${path}\n`)
  let saved = false
  await measure({
    ...programs.halyard.call({ input: "-", directory, connections: 32, connectionsPerFile: 1 }),
    scratch,
    onStart: async (child) => {
      child.stdin.write(urls.join(""))
      for (let attempt = 0; attempt < 500 && !saved; attempt++) {
        await sleep(20)
        saved = readdirSync(directory).some((name) => name.endsWith(".bin"))
      }
      child.stdin.end()
    }
  })
  return saved
}

export const B7 = async (bench) => {
  const [few, many] = bench.quick ? [1000, 10_000] : [10_000, 1_000_000]
  const work = (count) =>
    bench.prepare({ files: bench.content.tiny(count), origin: bench.servers.nginx, connections: 32 })
  const runs = await rounds(bench, bench.rounds(1, 1), [
    ["few", `halyard, ${few} URLs`, fromInput, work(few)],
    ["many", `halyard, ${many} URLs`, fromInput, work(many)]
  ])
  const mebibytes = (key) => over(runs[key], ({ rssBytes }) => rssBytes / 1024 / 1024)
  const growth = paired(runs.many, runs.few, (long, short) => long.rssBytes / short.rssBytes)
  const early = await savesBeforeTheEnd(bench)
  return {
    title: `a list of ${many.toLocaleString("en")} URLs on standard input, files of 10 bytes, 32 connections`,
    halyard: summary(runs.many, many),
    rows: [
      figure("itself", "peak RSS", mebibytes("many"), "≤", 100, " MiB"),
      figure(`itself, ${few.toLocaleString("en")} URLs`, "peak RSS", mebibytes("few"), "≤", 80, " MiB"),
      figure(`a list of ${few.toLocaleString("en")}`, "peak RSS ×", growth, "≤", 1.2),
      {
        beside: "itself",
        figure: { what: early ? "saves before the end of its input" : "saves nothing before the end of its input" },
        targets: [{ text: "first transfer before the end of the input", met: early }]
      }
    ],
    failures: Object.entries(runs).flatMap(([key, all]) => failures(`halyard (${key})`, all))
  }
}
