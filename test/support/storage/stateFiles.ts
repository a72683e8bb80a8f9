/**
 * State files of `Node/Journal` for tests: their directory, entries and lines.
 */
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Entry, Journal, type SavedNames } from "../../../src/Journal.js"
import * as NodeJournal from "../../../src/Node/Journal.js"

export const directory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "state-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

export const urlKey = "0123456789abcdef".repeat(4)

export const saved = (destination: string, fields?: Partial<Entry>) =>
  new Entry({
    id: "1",
    url: "http://origin.test/a",
    destination,
    outcome: "Saved",
    urlKey,
    bytes: 1,
    modifiedMillis: 1000,
    atMillis: 1,
    ...fields
  })

/** Runs an effect with a journal that is closed afterwards, and returns the problems that it reported as well. */
export const withJournal = <A, E>(use: Effect.Effect<A, E, Journal | SavedNames | Scope.Scope>) =>
  Effect.suspend(() => {
    const problems: Array<string> = []
    return use.pipe(
      Effect.scoped,
      Effect.provide(Layer.fresh(NodeJournal.layerWith({ onProblem: (text) => problems.push(text) }))),
      Effect.map((value) => ({ value, problems }))
    )
  })

export const record = (...entries: ReadonlyArray<Entry>) =>
  Effect.flatMap(Journal, (journal) => Effect.forEach(entries, (entry) => journal.record(entry), { discard: true }))

export const last = (destination: string) => Effect.flatMap(Journal, (journal) => journal.last(destination))

export const lines = (path: string) =>
  Fs.readFileSync(`${path}/.halyard.ndjson`, "utf8")
    .split("\n")
    .filter((line) => line !== "")
