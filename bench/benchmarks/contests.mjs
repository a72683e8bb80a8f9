// B1 to B5: halyard beside its peers on one piece of work.
import { contest, figure } from "../contest.mjs"
import { measure } from "../measure.mjs"
import { binary } from "../programs.mjs"
import { latencyMillis, slowBytesPerSecond } from "../servers.mjs"
import { paired } from "../statistics.mjs"

const mebibyte = 1024 * 1024

const manyFiles = async (bench, count, rounds, peers, targets) => ({
  title: `${count.toLocaleString("en")} files of 4 to 8 KiB, 32 connections`,
  ...(await contest(bench, {
    work: bench.prepare({ files: bench.content.small(count), origin: bench.servers.nginx, connections: 32 }),
    count: rounds,
    peers,
    targets
  }))
})

export const B1 = (bench) =>
  manyFiles(
    bench,
    bench.quick ? 1000 : 10_000,
    bench.rounds(5, 2),
    ["curl", "wget2", "aria2c", "ipull", "undici", "aiohttp", "httpx", "effect"],
    {
      curl: [["rate", "≥", 1]],
      undici: [["rate", "≥", 1.3]],
      aria2c: [["rate", "≥", 2]],
      aiohttp: [["rate", "≥", 3]],
      httpx: [["rate", "≥", 10]],
      effect: [["rate", "≥", 6]]
    }
  )

export const B2 = (bench) =>
  manyFiles(bench, bench.quick ? 5000 : 100_000, bench.rounds(5, 2), ["curl", "wget2", "aria2c", "undici"], {
    curl: [
      ["rate", "≥", 1.3],
      ["cpu", "≤", 1]
    ]
  })

export const B3 = async (bench) => {
  const mebibytes = bench.quick ? 256 : 1024
  const result = await contest(bench, {
    work: bench.prepare({
      files: bench.content.large(mebibytes),
      origin: bench.servers.nginx,
      connections: 1,
      bytes: mebibytes * mebibyte
    }),
    count: bench.rounds(5, 3),
    peers: ["curl", "wget2", "aria2c", "axel", "ipull", "pipeline"],
    targets: {
      curl: [
        ["rate", "≥", 1.15],
        ["cpu", "≤", 0.95]
      ],
      pipeline: [["rate", "≥", 1.5]]
    }
  })
  const rows = [...result.rows, figure("itself", "peak RSS", result.halyard.rssMebibytes, "≤", 60, " MiB")]
  return { title: `one file of ${mebibytes} MiB, one connection`, ...result, rows }
}

export const B4 = async (bench) => {
  const mebibytes = bench.quick ? 64 : 256
  const connectionsPerFile = 8
  const limit = slowBytesPerSecond / mebibyte
  return {
    title: `one file of ${mebibytes} MiB at ${limit} MiB/s a connection, up to ${connectionsPerFile} connections`,
    ...(await contest(bench, {
      work: bench.prepare({
        files: bench.content.large(mebibytes, "slow"),
        origin: bench.servers.nginx,
        connections: 1,
        connectionsPerFile,
        bytes: mebibytes * mebibyte
      }),
      count: bench.rounds(5, 2),
      peers: ["aria2c", "axel", "ipull"],
      targets: { aria2c: [["rate", "≥", 1]], axel: [["rate", "≥", 1]] }
    }))
  }
}

export const B5 = async (bench) => {
  const [count, connections, rounds] = [1000, 64, bench.rounds(5, 2)]
  const result = await contest(bench, {
    work: bench.prepare({ files: bench.content.small(count), origin: bench.servers.latency, connections }),
    count: rounds,
    peers: ["curl", "wget2", "aria2c", "undici", "aiohttp", "httpx"],
    targets: { curl: [["rate", "≥", 1]] }
  })
  const starts = []
  for (let round = 0; round < rounds; round++) {
    const scratch = bench.workspace.fresh("start")
    starts.push(await measure({ command: process.execPath, args: [binary, "--version"], scratch }))
  }
  const idealSeconds = (Math.ceil(count / connections) * latencyMillis) / 1000
  const overIdeal = paired(
    result.runs.halyard,
    starts,
    (our, start) => (our.wallSeconds - start.wallSeconds) / idealSeconds
  )
  return {
    title: `${count.toLocaleString("en")} files at ${latencyMillis} ms latency, ${connections} connections`,
    ...result,
    rows: [...result.rows, figure(`ideal (${idealSeconds} s)`, "wall less start-up ×", overIdeal, "≤", 1.1)]
  }
}
