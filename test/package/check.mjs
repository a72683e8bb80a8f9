// Packs the package, judges the tarball, installs it into an empty strict TypeScript project, and uses it there: its
// types, its entry points and its command. Needs the npm registry.
import assert from "node:assert/strict"
import { execFileSync, spawnSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../", import.meta.url))
const project = mkdtempSync(join(tmpdir(), "halyard-package-"))
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))

const run = (cwd, command, ...parameters) =>
  execFileSync(command, parameters, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })

const step = (what, action) => {
  const result = action()
  process.stdout.write(`ok - ${what}\n`)
  return result
}

try {
  const tarball = step("the package packs", () => {
    run(root, "npm", "pack", "--silent", "--pack-destination", project)
    return join(
      project,
      readdirSync(project).find((name) => name.endsWith(".tgz"))
    )
  })

  step("it has the notices of the packages that its program is made of", () => {
    const text = run(project, "tar", "-xOf", tarball, "package/dist/LICENSES.txt")
    for (const name of ["effect", "@effect/platform-node", "string-width", "ws"]) {
      assert.match(text, new RegExp(`^${name} \\d[^\\n]* \\((?:MIT|ISC)\\)\\n\\n[^-]+Copyright`, "ms"), name)
    }
    assert.match(run(project, "tar", "-tf", tarball), /^package\/LICENSE$/m)
  })

  step("publint has nothing to say", () => run(root, "npx", "publint", tarball, "--strict"))
  step("the types of every entry point resolve", () =>
    run(
      root,
      "npx",
      "attw",
      tarball,
      "--profile",
      "esm-only",
      "--exclude-entrypoints",
      "internal/*",
      "testing/*",
      "Cli/*",
      "bin"
    )
  )

  step("it installs into an empty project, with one copy of effect", () => {
    const versions = Object.fromEntries(
      ["typescript", "@types/node", ...Object.keys(manifest.peerDependencies)].map((name) => [
        name,
        manifest.devDependencies[name]
      ])
    )
    writeFileSync(
      join(project, "package.json"),
      JSON.stringify({
        name: "consumer",
        private: true,
        type: "module",
        dependencies: { halyard: `file:${tarball}`, ...versions },
        overrides: manifest.overrides
      })
    )
    writeFileSync(
      join(project, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          target: "ES2022",
          module: "NodeNext",
          strict: true,
          exactOptionalPropertyTypes: true,
          noUncheckedIndexedAccess: true,
          verbatimModuleSyntax: true,
          skipLibCheck: false,
          types: ["node"]
        }
      })
    )
    copyFileSync(join(root, "test/package/consumer.ts"), join(project, "consumer.ts"))
    run(project, "npm", "install", "--no-audit", "--no-fund", "--loglevel=error")
    const copies = run(project, "npm", "ls", "effect", "--all", "--parseable").trim().split("\n")
    assert.equal(new Set(copies).size, 1)
  })

  step("a strict program compiles against it", () => run(project, "npx", "tsc"))

  step("that program runs", () => {
    const result = JSON.parse(run(project, "node", "consumer.js"))
    assert.equal(result.saved, "Saved")
    assert.equal(result.report.saved, 1)
    assert.equal(result.report.notFound, 1)
    assert.deepEqual(result.tested, { attempts: 2, asked: 2 })
    assert.equal(result.slept, "done")
    assert.equal(result.error, "HTTP error 418 - I'm a Teapot")
  })

  step("it has the JSON Schema of the lines of --json", () => {
    const text = run(project, "node", "-p", 'JSON.stringify(require("halyard/events.schema.json"), null, 2)')
    assert.equal(text, run(project, "npx", "halyard", "get", "--json-schema"))
    assert.match(text, /"Finished"/)
  })

  step("every module of the index is an entry point of that name", () => {
    const program = `const index = await import("halyard")
for (const name of Object.keys(index)) if ((await import("halyard/" + name)) !== index[name]) throw new Error(name)`
    run(project, "node", "--input-type=module", "-e", program)
  })

  step("what is internal cannot be imported", () => {
    for (const path of [
      "halyard/internal/printable",
      "halyard/Cli/arguments",
      "halyard/testing/World",
      "halyard/Node/program/main",
      "halyard/bin"
    ]) {
      const { stderr, status } = spawnSync("node", ["-e", `await import("${path}")`, "--input-type=module"], {
        cwd: project,
        encoding: "utf8"
      })
      assert.notEqual(status, 0, path)
      assert.match(stderr, /ERR_PACKAGE_PATH_NOT_EXPORTED/, path)
    }
  })

  step("its command runs, in threads too", () => {
    assert.equal(run(project, "npx", "halyard", "--version").trim(), manifest.version)
    for (const engine of ["fibers", "threads", "sequential"]) {
      const output = run(project, "npx", "halyard", "flags", "--engine", engine, "-d", engine)
      assert.match(output, /\n20 flags downloaded in \d+\.\d\ds\n$/)
      assert.equal(readdirSync(join(project, engine)).length, 20)
    }
  })

  step("it has the code of get for Node 20 and 24, which a user who cannot write to the package starts with", () => {
    const dist = join(project, "node_modules/halyard/dist")
    const caches = readdirSync(dist).filter((name) => name.endsWith(".cache"))
    for (const major of [20, 24]) {
      assert.ok(
        caches.some((name) => name.includes(`-get-v${major}.`)),
        `${major}: ${caches}`
      )
    }
    if (process.getuid?.() !== 0 || !caches.some((name) => name.includes(`-get-${process.version}-`))) {
      process.stdout.write(
        "skipped - only the superuser can run it as another user, on a version that it has code for\n"
      )
      return
    }
    chmodSync(project, 0o755)
    const home = join(project, "home")
    mkdirSync(home)
    chownSync(home, 65534, 65534)
    const get = (...more) =>
      run(
        home,
        ...[
          "setpriv",
          "--reuid=65534",
          "--regid=65534",
          "--clear-groups",
          "env",
          `HOME=${home}`,
          `XDG_CACHE_HOME=${home}`,
          ...more
        ],
        ...[process.execPath, join(dist, "bin.cjs"), "get", "--dry-run", "http://127.0.0.1:1/file"]
      )
    get()
    // Code that cannot be used is made again.
    assert.deepEqual(readdirSync(home), [])
    get("NODE_OPTIONS=--stack-trace-limit=20")
    assert.deepEqual(readdirSync(home), ["halyard"])
  })

  step("its command runs where none of its peers is installed", () => {
    const bare = join(project, "bare")
    run(project, "mkdir", bare)
    writeFileSync(
      join(bare, "package.json"),
      JSON.stringify({ private: true, dependencies: { halyard: `file:${tarball}` } })
    )
    run(bare, "npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--legacy-peer-deps")
    assert.equal(readdirSync(join(bare, "node_modules")).includes("effect"), false)
    assert.match(run(bare, "npx", "halyard", "flags", "-d", "flags"), /20 flags downloaded/)
  })
} finally {
  rmSync(project, { recursive: true, force: true })
}
