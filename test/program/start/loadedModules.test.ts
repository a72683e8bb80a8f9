/**
 * What a command line loads of the program.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { installed, start } from "../../support/program/installed.js"
import { bin, run, runCommand, temporaryDirectory } from "../../support/program/program.js"
import { http } from "../../support/servers/loopback.js"

/** The modules that a run evaluates, by what V8 counts of the functions that stand around them in the program. */
const evaluated = Effect.fnUntraced(function* (parameters: ReadonlyArray<string>) {
  const directory = yield* temporaryDirectory
  yield* run(parameters, { cwd: directory, env: { NODE_V8_COVERAGE: join(directory, "coverage") } })
  const reports = readdirSync(join(directory, "coverage")).map((name) =>
    Schema.decodeUnknownSync(Coverage)(readFileSync(join(directory, "coverage", name), "utf8"))
  )
  return reports
    .flatMap(({ result }) => result)
    .filter(({ url }) => url.endsWith("/program.cjs"))
    .flatMap(({ functions }) => functions)
    .filter(({ ranges }) => ranges.some(({ count }) => count > 0))
    .map(({ functionName }) => functionName)
    .filter((name) => /^(?:src|node_modules)\//.test(name))
})

const Coverage = Schema.parseJson(
  Schema.Struct({
    result: Schema.Array(
      Schema.Struct({
        url: Schema.String,
        functions: Schema.Array(
          Schema.Struct({ functionName: Schema.String, ranges: Schema.Array(Schema.Struct({ count: Schema.Number })) })
        )
      })
    )
  })
)

describe("the code that a command line loads", () => {
  const help = /src\/Cli\/commandLine\/(?:help|completions)/
  const network = /node_modules\/undici|src\/Node\/Transport/
  const refused = "http://127.0.0.1:1/file"

  it.scopedLive("has no help, unless the line asks for it", () =>
    Effect.gen(function* () {
      for (const line of [
        [refused, "--retries=0", "-c4", "-H", "a: b", "--json"],
        ["flags", "-vl1", "--engine", "sequential"],
        ["spin", "-m", "text", "--", "true"]
      ]) {
        const modules = yield* evaluated(line)
        assert.include(modules, "src/Cli/commandLine/Command.ts", line.join(" "))
        assert.deepStrictEqual(
          modules.filter((name) => help.test(name)),
          [],
          line.join(" ")
        )
      }
    })
  )

  it.scopedLive("has no network for help and completions", () =>
    Effect.gen(function* () {
      for (const line of [
        ["get", "--help"],
        ["--completions", "bash"]
      ]) {
        const modules = yield* evaluated(line)
        assert.isTrue(
          modules.some((name) => help.test(name)),
          line.join(" ")
        )
        assert.deepStrictEqual(
          modules.filter((name) => network.test(name)),
          [],
          line.join(" ")
        )
      }
    })
  )

  it.scopedLive("has no exporter of traces, unless the line names a collector", () =>
    Effect.gen(function* () {
      const telemetry = /@effect\/opentelemetry|src\/Metrics|src\/Cli\/telemetry\/(?:start|settings)/
      const line = ["get", refused, "--retries=0"]
      assert.deepStrictEqual(
        (yield* evaluated(line)).filter((name) => telemetry.test(name)),
        []
      )
      assert.isTrue((yield* evaluated([...line, "--otlp", "http://127.0.0.1:1"])).some((name) => telemetry.test(name)))
    })
  )

  it.scopedLive("has no store in a bucket, unless the line names one", () =>
    Effect.gen(function* () {
      const bucket =
        /src\/Store\/(?:S3|s3\/)|src\/Node\/program\/bucket|node_modules\/(?:aws4fetch|@rgrove\/parse-xml)\//
      const line = ["get", refused, "--retries=0"]
      assert.deepStrictEqual(
        (yield* evaluated(line)).filter((name) => bucket.test(name)),
        []
      )
      assert.isTrue((yield* evaluated([...line, "-d", "s3://bucket"])).some((name) => bucket.test(name)))
    })
  )

  it("has no engine of batches, unless the command is about batches", () => {
    const has = (file: string, name: string) =>
      readFileSync(join(dirname(bin), file), "latin1").includes(`"node_modules/${name}/`)
    for (const name of ["@effect/cluster", "@effect/rpc", "@effect/sql", "pg", "tar"]) {
      assert.deepStrictEqual([has("program.cjs", name), has("batches.cjs", name)], [false, true], name)
    }
  })

  it.scopedLive("of batches needs no package, except for an SQLite file", () =>
    Effect.gen(function* () {
      const directory = yield* installed(["bin.cjs", "batches.cjs", "program.cjs"])
      const { url } = yield* http((_, response) => response.end("content"))
      const files = join(directory, "files")
      const ended = yield* start(directory, ["submit", "--local", "--processes", "1", `${url}/a`, "-d", files])
      assert.strictEqual(ended.exitCode, 0, ended.stderr)
      assert.strictEqual(readFileSync(join(files, "a"), "utf8"), "content")
      assert.deepStrictEqual(yield* start(directory, ["status", "one", "--database", "file:batches.db"]), {
        exitCode: 1,
        stdout: "",
        stderr:
          "halyard status: an SQLite file needs the package @libsql/client: type 'npm install @libsql/client' as you have installed halyard (with --global, if it is global)\n"
      })
    })
  )

  it.scopedLive("has no second HTTP client and no Unicode table for a download", () =>
    Effect.gen(function* () {
      const modules = yield* evaluated(["get", refused, "--retries=0"])
      assert.include(modules, "src/Node/Transport.ts")
      assert.deepStrictEqual(
        modules.filter((name) => name.startsWith("node_modules/undici/")),
        []
      )
      assert.notInclude(modules, "node_modules/string-width/index.js")
    })
  )
})

describe("halyard flags", () => {
  it.scopedLive("loads no HTTP/2", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const [look, seen] = [join(directory, "look.cjs"), join(directory, "seen")]
      writeFileSync(
        look,
        `process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(seen)}, process.moduleLoadList.join("\\n")))`
      )
      const { exitCode } = yield* runCommand(process.execPath, ["--require", look, bin, "flags", "-d", directory])
      assert.strictEqual(exitCode, 0)
      const modules = readFileSync(seen, "utf8")
      assert.match(modules, /^NativeModule net$/m)
      // Of undici, which uses it from the start.
      assert.notMatch(modules, /http2/)
    })
  )
})
