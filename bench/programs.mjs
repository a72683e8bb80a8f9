// Who takes part: halyard and its peers, how each is called, and who saves a file whole or not at all.
//
// A job is `{ list, curlConfig, url, name, directory, connections, connectionsPerFile, certificate }`: a file with one URL a
// line, the same for curl, the URL and the name of a job of one file, where to write, how many connections there may be, and
// over TLS the file with the certificate to trust.
//
// `atomic`: a file under its final name is complete. `onDisk`: what a power cut leaves of a file that the program has
// announced as saved: "yes" (its bytes and its name), "bytes" (the bytes are synced and the directory is not), or "no".
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const bench = fileURLToPath(new URL(".", import.meta.url))
const root = join(bench, "..")

const textOf = (command, ...args) => {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
  } catch {
    return undefined
  }
}

const versionOf = (command, ...args) => /\d+(\.\d+)+/.exec(textOf(command, ...args)?.split("\n")[0] ?? "")?.[0]

const packageVersion = (name) => {
  const manifest = [bench, join(bench, "peers"), root]
    .map((directory) => join(directory, "node_modules", name, "package.json"))
    .find((path) => existsSync(path))
  return manifest === undefined ? undefined : JSON.parse(readFileSync(manifest, "utf8")).version
}

// Debian's packages are those of its own python, which another one on the PATH may hide.
const pythonWith = (module) =>
  ["/usr/bin/python3", "python3"]
    .map((python) => ({
      python,
      version: textOf(python, "-c", `import ${module}; print(${module}.__version__)`)?.trim()
    }))
    .find(({ version }) => version !== undefined)

const halyard = {
  name: "halyard",
  atomic: true,
  onDisk: "yes",
  version: () => versionOf(process.execPath, join(root, "dist", "bin.cjs"), "--version"),
  call: (job) => ({
    command: process.execPath,
    args: [
      join(root, "dist", "bin.cjs"),
      "get",
      ...(job.input === undefined ? ["-i", job.list] : ["-i", "-"]),
      "-d",
      job.directory,
      "-c",
      // Connections for one file are taken from those in all.
      String(Math.max(job.connections, job.connectionsPerFile)),
      ...trusting(job, "--cacert"),
      ...segmentOptions(job.connectionsPerFile)
    ],
    input: job.input
  }),
  /** Fetches what changed. */
  sync: (job) => get("-i", job.list, "-d", job.directory, "--sync"),
  /** Continues what a killed run left. */
  resume: (job) => get(job.url, "-d", job.directory)
}

/** halyard with more options than the defaults. */
export const halyardWith =
  (...options) =>
  (job) => {
    const { args, ...rest } = halyard.call(job)
    return { ...rest, args: [...args, ...options] }
  }

const trusting = ({ certificate }, option) => (certificate === undefined ? [] : [option, certificate])

const get = (...args) => ({ command: process.execPath, args: [join(root, "dist", "bin.cjs"), "get", ...args] })

// Connections for one file, where this version has an option for them.
let segmentOption
const segmentOptions = (connectionsPerFile) => {
  if (connectionsPerFile === 1) {
    return []
  }
  segmentOption ??= /--(segments|split|connections-per-file)\b/.exec(
    textOf(process.execPath, join(root, "dist", "bin.cjs"), "get", "--help") ?? ""
  ) ?? [""]
  return segmentOption[0] === "" ? [] : [segmentOption[0], String(connectionsPerFile)]
}

const nodeProgram = (name, file, atomic, version) => ({
  name,
  atomic,
  onDisk: "no",
  version,
  call: (job) => ({
    command: process.execPath,
    args: [join(bench, file), job.list, job.directory, String(job.connections), String(job.connectionsPerFile)],
    environment: job.certificate === undefined ? {} : { NODE_EXTRA_CA_CERTS: job.certificate }
  })
})

const pythonProgram = (module) => ({
  name: module,
  atomic: false,
  onDisk: "no",
  version: () => pythonWith(module)?.version,
  call: (job) => ({
    command: pythonWith(module)?.python ?? "python3",
    args: [join(bench, "peers", `flags_${module}.py`), job.list, job.directory, String(job.connections)]
  })
})

const curl = {
  name: "curl -Z",
  atomic: false,
  onDisk: "no",
  version: () => versionOf("curl", "--version"),
  call: (job) => ({
    command: "curl",
    args: [
      "--disable",
      "--silent",
      "--show-error",
      "--fail",
      "--parallel",
      "--parallel-immediate",
      "--parallel-max",
      String(job.connections),
      "--remote-name-all",
      "--output-dir",
      job.directory,
      ...trusting(job, "--cacert"),
      "--config",
      job.curlConfig
    ]
  }),
  // Each URL has a file for its entity tag.
  sync: (job) => {
    const etags = `${job.directory}.etags`
    mkdirSync(etags, { recursive: true })
    const config = join(etags, "config")
    const groups = readFileSync(job.list, "utf8")
      .trim()
      .split("\n")
      .map((url) => {
        const name = url.split("/").at(-1)
        const etag = join(etags, name)
        return `url = "${url}"\noutput = "${join(job.directory, name)}"\netag-compare = "${etag}"\netag-save = "${etag}"\nfail\n`
      })
    writeFileSync(config, groups.join("next\n"))
    return { command: "curl", args: ["--disable", "--silent", "--show-error", "--parallel", "--config", config] }
  },
  resume: (job) => ({
    command: "curl",
    args: [
      ..."--disable --silent --show-error --fail --retry 100 --retry-all-errors --retry-delay 1 --continue-at -".split(
        " "
      ),
      "--output",
      join(job.directory, job.name),
      job.url
    ]
  })
}

const wget2 = {
  name: "wget2",
  atomic: false,
  onDisk: "no",
  version: () => versionOf("wget2", "--version"),
  call: (job) => ({
    command: "wget2",
    args: [
      "--no-config",
      "--quiet",
      "--no-hsts",
      "--no-netrc",
      `--max-threads=${job.connections}`,
      `--directory-prefix=${job.directory}`,
      ...trusting(job, "--ca-certificate"),
      `--input-file=${job.list}`
    ]
  }),
  sync: (job) => wget2Of("--timestamping", `--directory-prefix=${job.directory}`, `--input-file=${job.list}`),
  resume: (job) => wget2Of("--continue", "--tries=100", `--directory-prefix=${job.directory}`, job.url)
}

const wget2Of = (...args) => ({
  command: "wget2",
  args: ["--no-config", "--quiet", "--no-hsts", "--no-netrc", ...args]
})

const aria2c = {
  name: "aria2c",
  atomic: false,
  onDisk: "bytes",
  version: () => versionOf("aria2c", "--version"),
  call: (job) => ({
    command: "aria2c",
    args: [
      "--no-conf",
      "--quiet",
      "--file-allocation=none",
      "--min-split-size=1M",
      `--max-concurrent-downloads=${job.connections}`,
      `--split=${job.connectionsPerFile}`,
      `--max-connection-per-server=${job.connectionsPerFile}`,
      `--dir=${job.directory}`,
      ...trusting(job, "--ca-certificate"),
      `--input-file=${job.list}`
    ]
  }),
  sync: (job) =>
    aria2cOf(
      job.directory,
      "--conditional-get=true",
      "--allow-overwrite=true",
      "--remote-time=true",
      `--input-file=${job.list}`
    ),
  resume: (job) => aria2cOf(job.directory, "--continue=true", "--max-tries=100", "--retry-wait=1", job.url)
}

const aria2cOf = (directory, ...args) => ({
  command: "aria2c",
  args: ["--no-conf", "--quiet", "--file-allocation=none", `--dir=${directory}`, ...args]
})

const axel = {
  name: "axel",
  atomic: false,
  onDisk: "no",
  version: () => versionOf("axel", "--version"),
  call: (job) => ({
    command: "axel",
    args: [
      "--quiet",
      "--no-proxy",
      `--num-connections=${job.connectionsPerFile}`,
      `--output=${join(job.directory, job.name)}`,
      job.url
    ]
  })
}

// Their nearest equivalents of a file that is on the disk when it is announced.
const wget2Synced = {
  ...wget2,
  name: "wget2 --fsync-policy",
  onDisk: "bytes",
  call: (job) => {
    const { args, command } = wget2.call(job)
    return { command, args: ["--fsync-policy=on", ...args] }
  }
}

const curlSynced = {
  ...curl,
  name: "curl -Z and sync -f",
  call: (job) => {
    const { args, command } = curl.call(job)
    return { command: "sh", args: ["-c", '"$@" && exec sync -f "$0"', job.directory, command, ...args] }
  }
}

const ipull = nodeProgram("ipull", "peers/ipull.mjs", true, () => packageVersion("ipull"))
// It has no conditional requests, and continues what it finds.
ipull.sync = ipull.call
ipull.resume = ipull.call

/** By the key under which the benchmarks name them. */
export const programs = {
  halyard,
  curl,
  wget2,
  curlSynced,
  wget2Synced,
  aria2c,
  axel,
  ipull,
  bare: nodeProgram("bare loop of Node", "library/bareSockets.mjs", true, () => process.versions.node),
  undici: nodeProgram("undici dispatch", "peers/undiciDispatch.mjs", true, () => packageVersion("undici")),
  pipeline: nodeProgram("undici pipeline", "peers/undiciPipeline.mjs", true, () => packageVersion("undici")),
  aiohttp: pythonProgram("aiohttp"),
  httpx: pythonProgram("httpx"),
  effect: nodeProgram("naive Effect", "peers/naiveEffect.mjs", false, () => packageVersion("effect"))
}

export const binary = join(root, "dist", "bin.cjs")

export const libraryProgram = (file) => join(bench, "library", file)
