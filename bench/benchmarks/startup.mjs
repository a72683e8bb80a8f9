// What a short run costs: B6 beside another program, and `start` beside Node itself.
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { flagDigest } from "../content.mjs"
import { failures, figure, rounds, row, runOnce, summary } from "../contest.mjs"
import { binary, programs } from "../programs.mjs"
import { over, paired } from "../statistics.mjs"

const codes = "bd br cd cn de eg et fr id in ir jp mx ng ph pk ru tr us vn".split(" ")

const nothing = { files: [] }

const flagFiles = codes.map((code) => ({
  path: `/flags/${code}.gif`,
  name: `${code}.gif`,
  digest: flagDigest(code)
}))

const node =
  (...args) =>
  () => ({ command: process.execPath, args })

export const B6 = async (bench) => {
  const flags = bench.prepare({ files: flagFiles, origin: bench.servers.nginx, connections: 5 })
  const withHttpx = bench.versions.httpx !== undefined
  const runs = await rounds(bench, bench.rounds(11, 5), [
    ["flags", "halyard flags", ({ directory }) => node(binary, "flags", "-d", directory)(), flags],
    ...(withHttpx ? [["httpx", "httpx, the same 20 files", programs.httpx.call, flags]] : [])
  ])
  return {
    title: "start-up: 20 flags from the embedded origin, 5 connections",
    halyard: summary(runs.flags, flagFiles.length),
    rows: withHttpx
      ? [
          {
            ...row("httpx", runs.flags, runs.httpx, [["rate", "≥", 2]]),
            key: "httpx",
            atomic: programs.httpx.atomic,
            onDisk: programs.httpx.onDisk,
            version: bench.versions.httpx
          }
        ]
      : [{ beside: "httpx", key: "httpx", missing: true, targets: [] }],
    failures: Object.entries(runs).flatMap(([key, all]) => failures(key, all))
  }
}

const peers = ["curl", "wget2", "aria2c"]

export const start = async (bench) => {
  const count = bench.rounds(21, 5)
  const flags = bench.prepare({ files: flagFiles, origin: bench.servers.nginx, connections: 5 })
  const one = bench.prepare({ files: bench.content.tiny(1), origin: bench.servers.nginx, connections: 1 })
  const installed = peers.filter((key) => bench.versions[key] !== undefined)
  const program = await install(bench, one)
  // The first run of a user has an empty cache directory, which is removed after the run.
  const first = ({ directory }) => ({ caches: join(dirname(directory), "caches") })
  const withoutCode = () => ({ environment: { NODE_DISABLE_COMPILE_CACHE: "1" } })
  const later = () => ({})
  const get = (more) => (job) => ({ ...node(program, "get", job.url, "-d", job.directory)(), ...more(job) })
  const fetchFlags = (more) => (job) => ({ ...node(program, "flags", "-d", job.directory)(), ...more(job) })
  const runs = await rounds(bench, count, [
    ["node", "node -e 0", node("-e", "0"), nothing],
    ["version", "halyard --version", node(program, "--version"), nothing],
    ["first", "halyard get, first run", get(first), one],
    ["without", "halyard get without code", get(withoutCode), one],
    ["warm", "halyard get", get(later), one],
    ["firstFlags", "halyard flags, first run", fetchFlags(first), flags],
    ["warmFlags", "halyard flags", fetchFlags(later), flags],
    ...installed.map((key) => [key, programs[key].name, programs[key].call, one])
  ])
  const longer = (what, key, ...limit) =>
    figure(
      "node -e 0",
      `${what} takes longer by`,
      paired(runs[key], runs.node, (ours, bare) => (ours.wallSeconds - bare.wallSeconds) * 1000),
      ...(limit.length === 0 ? [undefined, undefined] : limit),
      " ms"
    )
  return {
    title: "start-up: one file of 10 bytes, and 20 flags from the embedded origin",
    halyard: summary(runs.warm, 1),
    rows: [
      figure(
        "node -e 0",
        "node itself takes",
        over(runs.node, ({ wallSeconds }) => wallSeconds * 1000),
        undefined,
        undefined,
        " ms"
      ),
      longer("--version", "version", "≤", 45),
      longer("the first get of a user, with the code of the package,", "first", "≤", 100),
      longer("get without compiled code", "without"),
      longer("each later get", "warm"),
      longer("the first flags of a user", "firstFlags"),
      longer("each later flags", "warmFlags"),
      ...peers.map((key) =>
        installed.includes(key)
          ? {
              ...row(programs[key].name, runs.warm, runs[key]),
              key,
              atomic: programs[key].atomic,
              onDisk: programs[key].onDisk,
              version: bench.versions[key]
            }
          : { beside: programs[key].name, key, missing: true, targets: [] }
      )
    ],
    failures: Object.entries(runs).flatMap(([key, all]) => failures(key, all))
  }
}

// The program as the package installs it: with the code of `get` for this version of Node beside it.
const install = async (bench, work) => {
  const directory = bench.workspace.directory("installed")
  const [program, caches] = [join(directory, "bin.cjs"), join(directory, "caches")]
  mkdirSync(join(directory, "node_modules"))
  for (const name of ["bin.cjs", "program.cjs"]) {
    copyFileSync(join(dirname(binary), name), join(directory, name))
  }
  const flags = "node_modules/famfamfam-flags"
  cpSync(join(dirname(binary), "..", flags), join(directory, flags), { recursive: true })
  const call = (job) => ({ ...node(program, "get", job.url, "-d", job.directory)(), caches })
  await runOnce(bench, "the code of get", call, work)
  for (const name of readdirSync(join(caches, "halyard"))) {
    copyFileSync(join(caches, "halyard", name), join(directory, name.replace(/-[0-9a-f]+\.cache$/, ".cache")))
  }
  rmSync(caches, { recursive: true })
  return program
}
