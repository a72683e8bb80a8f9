// Programs beside each other: the same work, A B C A B C, each run a whole process in a directory of its own, and each
// run's files judged by their digests.
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { measure } from "./measure.mjs"
import { programs } from "./programs.mjs"
import { over, paired, target } from "./statistics.mjs"
import { wrongBytes } from "./verify.mjs"

/**
 * Work as files that programs read: `files` as `content.mjs` gives them, at `origin`. `certificate` is the one to trust, and
 * `isOnDisk` says that the files are saved on a disk and not on tmpfs.
 */
export const prepare = (bench, { files, origin, connections, connectionsPerFile = 1, bytes, ...more }) => {
  const directory = bench.workspace.fresh("work")
  const urls = files.map(({ path }) => origin + path)
  const [list, curlConfig] = ["list", "curl.conf"].map((name) => join(directory, name))
  writeFileSync(list, `${urls.join("\n")}\n`)
  writeFileSync(curlConfig, urls.map((url) => `url = "${url}"\n`).join(""))
  return { files, list, curlConfig, url: urls[0], name: files[0].name, connections, connectionsPerFile, bytes, ...more }
}

/** One run of one program. `call` makes of a job what `measure` takes; `inspect` sees what a run left behind. */
export const runOnce = async (bench, label, call, work, inspect = () => {}) => {
  const scratch = bench.workspace.fresh(label)
  const directory = work.isOnDisk ? bench.workspace.freshOnDisk(label) : join(scratch, "out")
  mkdirSync(directory, { recursive: true })
  const run = await measure({ ...call({ ...work, directory }), scratch })
  const failure = run.failure ?? wrongBytes(directory, work.files)
  if (failure === undefined) {
    inspect()
  }
  bench.workspace.done(scratch)
  bench.tell(label, failure === undefined ? run : { ...run, failure })
  return failure === undefined ? run : { ...run, failure }
}

/**
 * Runs of every participant, by its key: `[[key, label, call, work, atMost], …]`. A program that hung is not run again, and one
 * with `atMost` runs in so many rounds.
 */
export const rounds = async (bench, count, participants) => {
  const runs = Object.fromEntries(participants.map(([key]) => [key, []]))
  for (let round = 0; round < count; round++) {
    for (const [key, label, call, work] of participants.filter(([, , , , most = count]) => round < most)) {
      const last = runs[key].at(-1)
      runs[key].push(last?.late ? last : await runOrFail(bench, label, call, work))
    }
  }
  return runs
}

// A run that could not begin fails, and the others continue.
const runOrFail = async (bench, label, call, work) => {
  try {
    return await runOnce(bench, label, call, work)
  } catch ({ message: failure }) {
    bench.tell(label, { failure })
    return { failure }
  }
}

const mebibytes = ({ rssBytes }) => rssBytes / 1024 / 1024

/** What a table says of runs by themselves. */
export const summary = (runs, count, bytes) => ({
  seconds: over(runs, ({ wallSeconds }) => wallSeconds),
  cpuSeconds: over(runs, ({ cpuSeconds }) => cpuSeconds),
  rssMebibytes: over(runs, mebibytes),
  filesPerSecond: over(runs, ({ wallSeconds }) => count / wallSeconds),
  ...(bytes === undefined
    ? {}
    : { mebibytesPerSecond: over(runs, ({ wallSeconds }) => bytes / 1024 / 1024 / wallSeconds) })
})

const failures = (name, runs) =>
  runs.flatMap(({ failure }, round) => (failure === undefined ? [] : [`${name}, round ${round + 1}: ${failure}`]))

const rateOver = (our, their) => their.wallSeconds / our.wallSeconds

/** Ours beside theirs as a row of the table. */
export const row = (name, ours, theirs, targets = []) => {
  const stats = {
    rate: paired(ours, theirs, rateOver),
    cpu: paired(ours, theirs, (our, their) => our.cpuSeconds / their.cpuSeconds)
  }
  return {
    beside: name,
    ...stats,
    rssMebibytes: over(theirs, mebibytes),
    targets: targets.map(([what, comparison, limit]) =>
      target(what === "cpu" ? "CPU" : what, stats[what], comparison, limit)
    )
  }
}

/**
 * halyard with its default options beside its peers on one piece of work; `targets` by the key of the peer. With the bare loop of
 * Node among the peers, each row has its share of that limit. `others` run in the same rounds and have no rows. `atMost`
 * has a number of rounds for slow peers.
 */
export const contest = async (bench, { work, count, peers, targets = {}, others = [], atMost = {} }) => {
  const installed = peers.filter((key) => bench.versions[key] !== undefined)
  const [halyard, ...besides] = ["halyard", ...installed].map((key) => [
    key,
    programs[key].name,
    programs[key].call,
    work,
    atMost[key]
  ])
  const participants = [halyard, ...others, ...besides]
  const runs = await rounds(bench, count, participants)
  return {
    runs,
    halyard: {
      ...summary(runs.halyard, work.files.length, work.bytes),
      ...(runs.bare === undefined ? {} : { shareOfLimit: paired(runs.halyard, runs.bare, rateOver) })
    },
    rows: peers.map((key) => {
      const { atomic, name, onDisk } = programs[key]
      return installed.includes(key)
        ? {
            ...row(name, runs.halyard, runs[key], targets[key]),
            key,
            atomic,
            onDisk,
            version: bench.versions[key],
            ...(runs.bare === undefined ? {} : { shareOfLimit: paired(runs[key], runs.bare, rateOver) })
          }
        : { beside: name, key, missing: true, targets: [] }
    }),
    failures: participants.flatMap(([key, label]) => failures(label, runs[key]))
  }
}

/** A row for a limit on halyard itself, or on a figure that is no ratio of rates. */
export const figure = (beside, what, stat, comparison, limit, unit = "") => ({
  beside,
  figure: { what, ...stat, unit },
  targets: comparison === undefined ? [] : [target("", stat, comparison, limit, unit)]
})

export { failures }
