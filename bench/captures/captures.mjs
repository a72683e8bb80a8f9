// Writes docs/display.md: what halyard and other downloaders show of the same work on a terminal. Each program runs on a
// pseudo-terminal, and a terminal emulator takes its screen at the same moments.
//
//   npm run build && node bench/captures/captures.mjs
//
// It also writes the screens in README.md. With the argument `readme` it writes only these.
import { execFileSync } from "node:child_process"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { startOrigin } from "./origin.mjs"
import { writeReadme } from "./readme.mjs"
import { start } from "./terminal.mjs"

const root = fileURLToPath(new URL("../..", import.meta.url))
const bin = join(root, "dist", "bin.cjs")
const work = join(tmpdir(), "captures")
rmSync(work, { recursive: true, force: true })
mkdirSync(work)
await writeReadme(bin, join(root, "README.md"), work)
if (process.argv[2] === "readme") {
  rmSync(work, { recursive: true, force: true })
  process.exit()
}
const origin = await startOrigin()
const list = join(work, "list.txt")
writeFileSync(list, origin.list.map((url) => `${url}\n`).join(""))
const curlList = join(work, "list.curl")
writeFileSync(curlList, origin.list.map((url) => `url = "${url}"\nremote-name\n`).join(""))

const version = (command, args) => {
  try {
    return /\d+\.\d+(?:\.\d+)?/.exec(
      execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
    )?.[0]
  } catch {
    return undefined
  }
}

const programs = [
  {
    name: "halyard",
    version: version(process.execPath, [bin, "--version"]),
    one: [process.execPath, bin, "get", origin.file],
    list: [process.execPath, bin, "get", "-i", list]
  },
  {
    name: "aria2c",
    version: version("aria2c", ["--version"]),
    one: ["aria2c", origin.file],
    list: ["aria2c", "-i", list, "-j8"]
  },
  {
    name: "wget2",
    version: version("wget2", ["--version"]),
    one: ["wget2", origin.file],
    list: ["wget2", "-i", list, "--max-threads=8"]
  },
  {
    name: "curl",
    version: version("curl", ["--version"]),
    one: ["curl", "-O", origin.file],
    list: ["curl", "-Z", "--parallel-max", "8", "--fail", "--retry", "5", "-K", curlList]
  },
  { name: "axel", version: version("axel", ["--version"]), one: ["axel", origin.file], list: undefined }
]

// Real time, because the programs on the screens are other processes.
const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis))

/** The screen after some time, and the last rows when the program has ended or was interrupted. */
const capture = async ([command, ...args], columns, momentMillis, endMillis) => {
  const cwd = join(work, "files")
  rmSync(cwd, { recursive: true, force: true })
  mkdirSync(cwd)
  const begun = origin.nextRun()
  const terminal = start([command, ...args], columns, cwd)
  const { ended, rows } = terminal
  await Promise.race([begun.then(() => sleep(momentMillis)), ended])
  const during = await rows()
  // Real time, for the same reason. Ends with the program.
  const timer = setTimeout(terminal.interrupt, endMillis)
  await ended
  clearTimeout(timer)
  const after = await rows()
  terminal.close()
  rmSync(cwd, { recursive: true, force: true })
  return { during, after }
}

const shown = (rows, atMost) => {
  const last = rows.slice(-atMost)
  return ["```text", ...(rows.length > atMost ? ["…"] : []), ...last, "```"].join("\n")
}

const works = [
  {
    key: "one",
    title: "One large file",
    what: origin.describeFile,
    momentMillis: 3000,
    endMillis: 30_000,
    during: 6,
    after: 6
  },
  {
    key: "list",
    title: "A list of 200",
    what: origin.describeList,
    momentMillis: 3000,
    endMillis: 60_000,
    during: 14,
    after: 18
  }
]

const sections = []
for (const { after: afterAtMost, during: duringAtMost, endMillis, key, momentMillis, title, what } of works) {
  sections.push(`## ${title}\n\n${what}`)
  for (const columns of [80, 40]) {
    sections.push(`### ${title}, ${columns} columns`)
    for (const program of programs) {
      const command = program[key]
      const reason =
        program.version === undefined
          ? "it is not installed"
          : command === undefined
            ? "it takes one file only"
            : undefined
      if (reason !== undefined) {
        sections.push(`**${program.name}**: left out, because ${reason}.`)
        continue
      }
      const { after, during } = await capture(command, columns, momentMillis, columns === 80 ? endMillis : 0)
      sections.push(`**${program.name}** after ${momentMillis / 1000} seconds:\n\n${shown(during, duringAtMost)}`)
      if (columns === 80) {
        sections.push(`At the end:\n\n${shown(after, afterAtMost)}`)
      }
      process.stderr.write(`${program.name}, ${key}, ${columns} columns\n`)
    }
  }
}

const versions = programs.map(({ name, version }) => `${name} ${version ?? "(not installed)"}`).join(", ")
const text = `# What a run looks like

The screens of halyard and of other downloaders on the same work, at the same moments. \`node bench/captures/captures.mjs\` has
written this page: it starts a server, runs each program on a pseudo-terminal, and takes the last rows of the screen some
time after the first request. Colours are switched off. The programs have their default options, but for 8 files at a time and, in curl, \`--fail\` and \`--retry 5\`.

${versions}.

${sections.join("\n\n")}
`
mkdirSync(join(root, "docs"), { recursive: true })
writeFileSync(join(root, "docs", "display.md"), text)
origin.close()
rmSync(work, { recursive: true, force: true })
