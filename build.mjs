// Builds dist/: the modules of the library with their types, and the command line: bin.cjs, which loads program.cjs when there is
// something to do, or batches.cjs for the commands about batches, and report.html, the page of a report. events.schema.json is the JSON Schema of
// the lines of --json. LICENSES.txt has the notices of the packages that are part of these files.
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { build, transform } from "esbuild"
import { lateBuiltins } from "./lateBuiltins.mjs"
import { notices } from "./notices.mjs"
import { buildPage } from "./page/build.mjs"

const only = process.argv[2]
const root = fileURLToPath(new URL(".", import.meta.url))
const { version } = JSON.parse(readFileSync(`${root}package.json`, "utf8"))

if (only !== "cli") {
  rmSync(`${root}dist`, { recursive: true, force: true })
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "src"], { cwd: root, stdio: "inherit" })
}

// What is larger than its use, for the program alone: a host program of the library has these packages anyway.
const narrow = {
  // It loads the tables of Unicode, which only terminals need.
  "string-width": `let width
export default (text) => (width ??= require("string-width").default)(text)`,
  // For a server that upgrades connections, which no command has.
  ws: `export class WebSocketServer {
  constructor(options) {
    return new (require("ws").WebSocketServer)(options)
  }
}`
}

const narrowed = {
  name: "narrowed",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^(string-width|ws)$/ }, ({ namespace, path }) =>
      namespace === "narrowed" ? undefined : { path, namespace: "narrowed" }
    )
    onLoad({ filter: /.*/, namespace: "narrowed" }, ({ path }) => ({ contents: narrow[path], resolveDir: root }))
  }
}

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20",
  charset: "ascii",
  legalComments: "none",
  minifySyntax: true,
  minifyWhitespace: true,
  metafile: true,
  // A name that is missing behind `narrow` is an error, and not undefined.
  logOverride: { "import-is-undefined": "error" }
}

// The files are CommonJS: to load a first file that is an ES module takes Node 6 ms longer.
const programUrl = `const programUrl={get href(){return require("node:url").pathToFileURL(__filename).href}};`

// The commands about batches have a file of their own, so that other commands neither read nor compile the engine.
const withoutBatches = {
  name: "without-batches",
  setup: ({ onLoad }) => {
    onLoad({ filter: /src\/Node\/program\/batches\.ts$/ }, () => ({
      contents: `const absent = () => { throw new Error("the engine of batches is in batches.cjs") }
export const client = absent
export const runner = absent
export const tarStore = absent`
    }))
  }
}

const buildProgram = async (file, plugins) => {
  const bundle = await build({
    ...common,
    entryPoints: ["src/Node/program/program.ts"],
    outfile: `dist/${file}`,
    write: false,
    format: "cjs",
    plugins: [narrowed, lateBuiltins(["fs", "net", "path", "events", "buffer"]), ...plugins],
    // Machine code, which an installation has for its own processor.
    external: ["@libsql/client", "pg-native"],
    define: { "import.meta.url": "programUrl.href", HALYARD_VERSION: JSON.stringify(version) },
    banner: { js: programUrl }
  })
  // A step of its own, because esbuild leaves out the paths of the modules otherwise. Stacks and profiles show them.
  const { code } = await transform(bundle.outputFiles[0].text, {
    platform: "node",
    target: common.target,
    format: "cjs",
    charset: "ascii",
    legalComments: "none",
    minify: true
  })
  // With the function that Node puts around CommonJS. To add it at each start would copy the text.
  const content = `(function(exports,require,module,__filename,__dirname){${code}})`
  mkdirSync(`${root}dist`, { recursive: true })
  writeFileSync(`${root}dist/${file}`, content)
  return { metafile: bundle.metafile, build: createHash("sha256").update(content).digest("hex").slice(0, 32) }
}

const program = await buildProgram("program.cjs", [withoutBatches])
const batches = await buildProgram("batches.cjs", [])

const bin = await build({
  ...common,
  entryPoints: ["src/bin.ts"],
  outfile: "dist/bin.cjs",
  format: "cjs",
  plugins: [lateBuiltins(["fs", "path"])],
  banner: { js: `#!/usr/bin/env node\n${programUrl}` },
  define: {
    "import.meta.url": "programUrl.href",
    HALYARD_VERSION: JSON.stringify(version),
    HALYARD_BUILD: JSON.stringify(program.build),
    HALYARD_BATCHES_BUILD: JSON.stringify(batches.build)
  }
})

const page = await buildPage(root)
writeFileSync(`${root}dist/report.html`, page.html)

if (only !== "cli") {
  const { manual } = await import("./dist/Cli.js")
  writeFileSync(`${root}dist/halyard.1`, await manual(version))
  const { jsonSchema } = await import("./dist/EventLine.js")
  writeFileSync(`${root}dist/events.schema.json`, `${JSON.stringify(jsonSchema(), null, 2)}\n`)
}

writeFileSync(
  `${root}dist/LICENSES.txt`,
  notices(root, [program.metafile, batches.metafile, bin.metafile, page.metafile])
)

// Code that was kept for the builds before.
for (const name of readdirSync(`${root}dist`)) {
  if (/\.cache(\.\d+)?$/.test(name)) {
    rmSync(`${root}dist/${name}`)
  }
}
