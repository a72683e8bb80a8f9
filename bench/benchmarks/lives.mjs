// What a second run costs: after changes on both sides, and after the first run was killed.
import { createHash } from "node:crypto"
import { existsSync, rmSync, truncateSync } from "node:fs"
import { join } from "node:path"
import { startCountingOrigin } from "../countingOrigin.mjs"
import { measure } from "../measure.mjs"
import { programs } from "../programs.mjs"
import { wrongBytes } from "../verify.mjs"

const peers = ["curl", "wget2", "aria2c", "ipull"]
const mebibyte = 1024 * 1024

// xorshift32: the same cuts and kills in each run of the benchmark.
const drawer = (seed) => {
  let state = seed
  return (from, to) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return from + ((state >>> 0) % (to - from + 1))
  }
}

const bytesOf = (label, length) => {
  const block = createHash("sha512").update(label).digest()
  return Buffer.alloc(length, block)
}

const filesOf = (contents) =>
  [...contents].map(([path, { bytes }]) => ({
    path,
    name: path.slice(1),
    digest: createHash("sha256").update(bytes).digest("hex")
  }))

const participants = (bench, way) =>
  ["halyard", ...peers].filter(
    (key) => programs[key][way] !== undefined && (key === "halyard" || bench.versions[key] !== undefined)
  )

/** A row with words in place of a ratio. */
const told = (key, what, targets = []) => ({ beside: programs[key].name, figure: { what }, targets })

/** 200 files; then 7 are deleted here, 7 truncated here, and 6 changed on the server. */
export const rerun = async (bench) => {
  const count = 200
  bench.rounds(1, 1)
  const rows = []
  const failures = []
  for (const key of participants(bench, "sync")) {
    const contents = new Map(
      Array.from({ length: count }, (_, at) => [`/f${at}.bin`, { bytes: bytesOf(`${at}`, 8192 + at), version: 1 }])
    )
    const origin = await startCountingOrigin(contents)
    const directory = bench.workspace.fresh(`rerun-${key}`)
    const work = bench.prepare({ files: filesOf(contents), origin: origin.url, connections: 8 })
    const run = () => {
      const scratch = bench.workspace.fresh(`rerun-${key}-scratch`)
      return measure({ ...programs[key].sync({ ...work, directory }), scratch })
    }
    const first = await run()
    origin.take()
    for (let at = 0; at < 7; at++) {
      rmSync(join(directory, `f${at}.bin`), { force: true })
      truncateIfThere(join(directory, `f${at + 7}.bin`))
    }
    for (let at = 14; at < 20; at++) {
      contents.set(`/f${at}.bin`, { bytes: bytesOf(`changed ${at}`, 8192 + at), version: 2 })
    }
    const second = await run()
    const { bodyBytes, requests } = origin.take()
    await origin.stop()
    const wrong = wrongBytes(directory, filesOf(contents))
    const failure = first.failure ?? second.failure ?? (key === "halyard" ? wrong : undefined)
    if (failure !== undefined) {
      failures.push(`${programs[key].name}: ${failure}`)
    }
    rows.push(
      told(
        key,
        `${requests} requests, ${(bodyBytes / 1024).toFixed(0)} KiB, ${wrong ?? "all files right"}`,
        key === "halyard" ? [{ text: "at most 200 requests, all files right", met: requests <= 200 && !wrong }] : []
      )
    )
    bench.tell(programs[key].name, failure === undefined ? second : { failure })
  }
  return {
    title: `${count} files again, after 7 were deleted, 7 truncated and 6 changed on the server`,
    rows,
    failures
  }
}

/** A large file whose server cuts connections; the program is killed 20 times and started again. */
export const kills = async (bench) => {
  const mebibytes = bench.quick ? 64 : 500
  const times = 20
  bench.rounds(1, 1)
  const size = mebibytes * mebibyte
  const rows = []
  const failures = []
  const contents = new Map([["/large.bin", { bytes: bytesOf("large", size), version: 1 }]])
  const files = filesOf(contents)
  for (const key of participants(bench, "resume")) {
    const origin = await startCountingOrigin(contents)
    const draw = drawer(7)
    origin.cut(() => draw(Math.floor(size / 500), Math.floor(size / 8)))
    const directory = bench.workspace.fresh(`kills-${key}`)
    const work = bench.prepare({ files, origin: origin.url, connections: 1, bytes: size })
    let run = { failure: "not run" }
    let sentBytes = 0
    // Runs that end by themselves with an error are started again too.
    for (let life = 0; life < 10 * times && run.failure !== undefined; life++) {
      const scratch = bench.workspace.fresh(`kills-${key}-scratch`)
      const atBytes = life < times ? draw(Math.floor(size / 100), Math.floor(size / 12)) : Number.POSITIVE_INFINITY
      let child
      let isKilled = false
      origin.take()
      origin.listen((bytes) => {
        if (bytes >= atBytes && !isKilled) {
          isKilled = true
          killGroup(child)
        }
      })
      run = await measure({
        ...programs[key].resume({ ...work, directory }),
        scratch,
        onStart: (started) => {
          child = started
          started.stdin.end()
        }
      })
      sentBytes += origin.take().bodyBytes
      if (sentBytes > 5 * size) {
        break
      }
    }
    await origin.stop()
    const wrong = wrongBytes(directory, files)
    const failure = run.failure ?? (key === "halyard" ? wrong : undefined)
    // The row says that another program could not save the file: this is its result.
    if (failure !== undefined && key === "halyard") {
      failures.push(`${programs[key].name}: ${failure}`)
    }
    const share = sentBytes / size
    rows.push(
      told(
        key,
        `${share.toFixed(2)} × its size was sent, ${wrong ?? run.failure ?? "the file is right"}`,
        key === "halyard" ? [{ text: "at most 1.1 × its size", met: share <= 1.1 && failure === undefined }] : []
      )
    )
    bench.tell(programs[key].name, failure === undefined ? run : { failure })
    bench.workspace.done(directory)
  }
  return {
    title: `one file of ${mebibytes} MiB, connections cut after 1/500 to 1/8 of it, ${times} times kill -9`,
    rows,
    failures
  }
}

const killGroup = (child) => {
  try {
    process.kill(-child.pid, "SIGKILL")
  } catch {
    // It has ended.
  }
}

const truncateIfThere = (path) => {
  if (existsSync(path)) {
    truncateSync(path, 4096)
  }
}
