// B1 to B5: halyard with its default options beside its peers on one piece of work, with plain HTTP and with TLS.
import { contest, figure } from "../contest.mjs"
import { measure } from "../measure.mjs"
import { binary } from "../programs.mjs"
import { latencyMillis, slowBytesPerSecond } from "../servers.mjs"
import { paired } from "../statistics.mjs"

const mebibyte = 1024 * 1024

const plain = ({ servers }) => ({ nginx: servers.nginx, latency: servers.latency, text: "" })

const secure = ({ servers }) => {
  if (servers.secure === undefined) {
    throw new Error("openssl, which makes the certificate, is not installed")
  }
  return { ...servers.secure, text: " over TLS" }
}

const manyFiles = async (bench, { nginx, certificate, text }, count, rounds, peers, targets) => ({
  title: `${count.toLocaleString("en")} files of 4 to 8 KiB${text}, 32 connections`,
  ...(await contest(bench, {
    work: bench.prepare({ files: bench.content.small(count), origin: nginx, certificate, connections: 32 }),
    count: rounds,
    peers,
    targets
  }))
})

const peakMemory = ({ halyard }, limit) => figure("itself", "peak RSS", halyard.rssMebibytes, "≤", limit, " MiB")

export const B1 = async (bench) => {
  const result = await manyFiles(
    bench,
    plain(bench),
    bench.quick ? 1000 : 10_000,
    bench.rounds(5, 2),
    ["curl", "wget2", "aria2c", "undici", "aiohttp", "bare"],
    {
      curl: [
        ["rate", "≥", 0.5],
        ["cpu", "≤", 3]
      ]
    }
  )
  return { ...result, rows: [...result.rows, peakMemory(result, 80)] }
}

export const B1tls = (bench) =>
  manyFiles(
    bench,
    secure(bench),
    bench.quick ? 1000 : 10_000,
    bench.rounds(5, 2),
    ["curl", "wget2", "aria2c", "undici"],
    {
      curl: [
        ["rate", "≥", 0.5],
        ["cpu", "≤", 3]
      ]
    }
  )

/** The programs that would take minutes for the work of B1. */
export const B1slow = (bench) =>
  manyFiles(bench, plain(bench), bench.quick ? 200 : 1000, bench.rounds(3, 1), ["ipull", "httpx", "effect"], {})

export const B2 = (bench) =>
  manyFiles(
    bench,
    plain(bench),
    bench.quick ? 5000 : 100_000,
    bench.rounds(2, 1),
    ["curl", "wget2", "aria2c", "undici", "bare"],
    {
      curl: [
        ["rate", "≥", 1],
        ["cpu", "≤", 1.3]
      ],
      bare: [["rate", "≥", 0.7]]
    }
  )

const oneFile = async (bench, { nginx, certificate, text }, rounds, peers, targets) => {
  const mebibytes = bench.quick ? 256 : 1024
  const result = await contest(bench, {
    work: bench.prepare({
      files: bench.content.large(mebibytes),
      origin: nginx,
      certificate,
      connections: 1,
      bytes: mebibytes * mebibyte
    }),
    count: rounds,
    peers,
    targets
  })
  return {
    title: `one file of ${mebibytes} MiB${text}, one connection`,
    ...result,
    rows: [...result.rows, peakMemory(result, 60)]
  }
}

export const B3 = (bench) =>
  oneFile(bench, plain(bench), bench.rounds(3, 2), ["curl", "wget2", "aria2c", "axel", "pipeline"], {
    curl: [
      ["rate", "≥", 1.2],
      ["cpu", "≤", 0.95]
    ]
  })

export const B3tls = (bench) =>
  oneFile(bench, secure(bench), bench.rounds(3, 2), ["curl", "wget2", "aria2c", "pipeline"], {
    curl: [["rate", "≥", 0.9]]
  })

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
      count: bench.rounds(3, 2),
      peers: ["aria2c", "axel", "ipull"],
      targets: { aria2c: [["rate", "≥", 1]], axel: [["rate", "≥", 1]] }
    }))
  }
}

const farAway = async (bench, { latency, certificate, text }, peers) => {
  const [count, connections, rounds] = [1000, 64, bench.rounds(5, 2)]
  const result = await contest(bench, {
    work: bench.prepare({ files: bench.content.small(count), origin: latency, certificate, connections }),
    count: rounds,
    peers,
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
    title: `${count.toLocaleString("en")} files at ${latencyMillis} ms latency${text}, ${connections} connections`,
    ...result,
    rows: [...result.rows, figure(`ideal (${idealSeconds} s)`, "wall less start-up ×", overIdeal, "≤", 1.1)]
  }
}

export const B5 = (bench) => farAway(bench, plain(bench), ["curl", "wget2", "aria2c", "undici", "aiohttp", "httpx"])

export const B5tls = (bench) => farAway(bench, secure(bench), ["curl", "wget2", "aria2c", "undici"])
