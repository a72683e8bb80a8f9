/**
 * The file of `--report`, which replaces none of the files of its run.
 */
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ReportPage from "../../../src/Cli/run/reportPage.js"
import * as Download from "../../../src/Download.js"
import { fromCause } from "../../../src/DownloadError/diskErrors.js"
import { type DownloadEvent, Finished } from "../../../src/DownloadEvent.js"
import * as Unvalidated from "../../../src/internal/unvalidated.js"
import { Screen } from "../../../src/Screen.js"
import * as StatusLine from "../../../src/StatusLine.js"
import { hostWith } from "../../support/program/commandLine.js"
import { temporaryDirectory } from "../../support/program/program.js"
import { cancelled, failed, missing, requestTo, saved } from "../../support/recorded/recordedRun.js"

/** Saves the page of these events as `out/run.html`, or as the given file. */
const save = (events: ReadonlyArray<DownloadEvent>, file: string, page?: Parameters<typeof hostWith>[1]) =>
  Effect.gen(function* () {
    let printed = ""
    const screen = Layer.succeed(Screen, {
      isTerminal: false,
      write: (text) => {
        printed += text
      },
      isBusy: () => false,
      columns: () => 80,
      rows: () => 24
    })
    const machine = Layer.mergeAll(
      hostWith(() => {}, page),
      Layer.provide(StatusLine.layer, screen),
      NodeFileSystem.layer,
      NodePath.layer
    )
    return yield* Effect.gen(function* () {
      const opened = yield* ReportPage.open("--report", file, { hasSecrets: false, isOwnRun: true })
      for (const event of events) {
        opened.receive(event)
      }
      const isSaved = yield* opened.save(() => [])
      return { isSaved, printed }
    }).pipe(Effect.provide(machine))
  })

/** The outcomes for a file that a run leaves as it is. */
const outcomes = (destination: string): ReadonlyArray<DownloadEvent> => {
  const request = requestTo("http://one.test/a", destination)
  const named = requestTo("http://one.test/a", "elsewhere/a")
  const finished = (outcome: Download.DownloadOutcome) => Unvalidated.make(Finished, { atMillis: 0, outcome })
  const file = { bytes: 1 }
  return [
    saved(request, 0, 1),
    finished(Unvalidated.make(Download.Skipped, { request, reason: "exists" })),
    finished(Unvalidated.make(Download.Skipped, { request: named, reason: "exists", destination })),
    finished(Unvalidated.make(Download.NotModified, { request, file })),
    finished(Unvalidated.make(Download.NotModified, { request: named, file, destination })),
    failed(request, 0, missing(request)),
    cancelled(request, 0)
  ]
}

describe("ReportPage", () => {
  it.scopedLive("does not replace the destination of any outcome", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      mkdirSync(`${cwd}/out`)
      writeFileSync(`${cwd}/out/run.html`, "a download")
      symlinkSync("out", `${cwd}/link`)
      symlinkSync("out/run.html", `${cwd}/other.html`)
      for (const file of ["out/run.html", "link/run.html", "other.html"]) {
        for (const destination of ["out/run.html", "link/run.html", file]) {
          for (const event of outcomes(`${cwd}/${destination}`)) {
            const { isSaved, printed } = yield* save([event], `${cwd}/${file}`)
            assert.isFalse(isSaved)
            assert.strictEqual(
              printed,
              `--report ${cwd}/${file}: it is also the destination of a download, which stays\n`
            )
          }
        }
      }
      assert.strictEqual(readFileSync(`${cwd}/out/run.html`, "utf8"), "a download")
    })
  )

  it.scopedLive("finds the file after thousands of files of the same name in other directories", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/run.html`, "a download")
      const others = Array.from({ length: 2000 }, (_, index) =>
        saved(requestTo("http://one.test/a", `${cwd}/${index}/run.html`), 0, 1)
      )
      assert.isTrue((yield* save(others, `${cwd}/new.html`)).isSaved)
      const own = saved(requestTo("http://one.test/a", `${cwd}/run.html`), 0, 1)
      assert.isFalse((yield* save([...others, own], `${cwd}/run.html`)).isSaved)
      assert.strictEqual(readFileSync(`${cwd}/run.html`, "utf8"), "a download")
    })
  )

  it.scopedLive("is refused before the run if the page of the package is missing", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const page = Effect.fail(fromCause("report.html", { code: "ENOENT" }))
      const error = yield* Effect.flip(save([], `${cwd}/run.html`, page))
      assert.strictEqual(error.message, `--report ${cwd}/run.html: report.html of halyard is missing`)
    })
  )

  it.scopedLive("has the mode of the file that it replaces", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const file = `${cwd}/run.html`
      for (const mode of [0o600, 0o644, 0o666]) {
        writeFileSync(file, "an earlier report")
        chmodSync(file, mode)
        assert.isTrue((yield* save([], file)).isSaved)
        assert.strictEqual(statSync(file).mode & 0o777, mode)
        assert.include(readFileSync(file, "utf8"), `"saved":0`)
      }
    })
  )

  it.scopedLive("is saved beside files of the same name in other directories", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      mkdirSync(`${cwd}/out`)
      assert.isTrue((yield* save(outcomes(`${cwd}/out/run.html`), `${cwd}/run.html`)).isSaved)
      assert.include(readFileSync(`${cwd}/run.html`, "utf8"), `"saved":1,"skipped":2`)
    })
  )
})
