// B6: what a short run costs.

import { flagDigest } from "../content.mjs"
import { failures, figure, rounds, row, summary } from "../contest.mjs"
import { binary, programs } from "../programs.mjs"
import { over, paired } from "../statistics.mjs"

const codes = "bd br cd cn de eg et fr id in ir jp mx ng ph pk ru tr us vn".split(" ")

const node =
  (...args) =>
  () => ({ command: process.execPath, args })

export const B6 = async (bench) => {
  const files = codes.map((code) => ({ path: `/flags/${code}.gif`, name: `${code}.gif`, digest: flagDigest(code) }))
  const flags = bench.prepare({ files, origin: bench.servers.nginx, connections: 5 })
  const nothing = { files: [] }
  const withHttpx = bench.versions.httpx !== undefined
  const runs = await rounds(bench, bench.rounds(11, 5), [
    ["node", "node -e 0", node("-e", "0"), nothing],
    ["version", "halyard --version", node(binary, "--version"), nothing],
    ["flags", "halyard flags", ({ directory }) => node(binary, "flags", "-d", directory)(), flags],
    ...(withHttpx ? [["httpx", "httpx, the same 20 files", programs.httpx.call, flags]] : [])
  ])
  const millis = paired(runs.version, runs.node, (ours, bare) => (ours.wallSeconds - bare.wallSeconds) * 1000)
  return {
    title: "start-up: --version, and 20 flags from the embedded origin, 5 connections",
    halyard: summary(runs.flags, files.length),
    rows: [
      figure("node -e 0", "--version takes longer by", millis, "≤", 45, " ms"),
      figure(
        "node -e 0",
        "node itself takes",
        over(runs.node, ({ wallSeconds }) => wallSeconds * 1000),
        undefined,
        undefined,
        " ms"
      ),
      ...(withHttpx
        ? [
            {
              ...row("httpx", runs.flags, runs.httpx, [["rate", "≥", 2]]),
              key: "httpx",
              atomic: false,
              version: bench.versions.httpx
            }
          ]
        : [{ beside: "httpx", key: "httpx", missing: true, targets: [] }])
    ],
    failures: Object.entries(runs).flatMap(([key, all]) => failures(key, all))
  }
}
