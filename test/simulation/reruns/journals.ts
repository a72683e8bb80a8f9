/**
 * The journals of a plan, on the simulated disk.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as DirectoryJournal from "../../../src/Journal/Directory.js"
import type { StateFiles } from "../../../src/Journal/directory/stateFiles.js"
import * as FileSystemJournal from "../../../src/Journal/FileSystem.js"
import { Journal } from "../../../src/Journal.js"
import type { Disk } from "../../../src/testing/Disk.js"
import type { Plan } from "./Plan.js"

/** The file in which a journal of this kind keeps what it knows about the files in `/d`. */
export const fileOf = (kind: Plan["journal"]): string =>
  kind === "directory" ? `/d/${DirectoryJournal.stateFileName}` : "/j/run.ndjson"

/** `onProblem` receives a sentence if a state file cannot be used. */
export const layer = (
  { isDirect, journal: kind }: Pick<Plan, "isDirect" | "journal">,
  disk: Disk,
  onProblem: (text: string) => void
): Layer.Layer<Journal> =>
  kind === "file"
    ? FileSystemJournal.layer(fileOf(kind)).pipe(Layer.orDie, Layer.provide(disk.layer))
    : Layer.scoped(
        Journal,
        Effect.flatMap(FileSystem.FileSystem, (fs) =>
          Effect.map(DirectoryJournal.make(stateFiles(fs, isDirect), { onProblem }), ({ journal }) => journal)
        )
      ).pipe(Layer.provide(disk.layer))

/** `isDirect`: lines are appended by a call that has ended when it returns. */
const stateFiles = (fs: FileSystem.FileSystem, isDirect: boolean): StateFiles => ({
  nameIndex: (path) => path.lastIndexOf("/") + 1,
  read: (path, positionBytes, into) =>
    Effect.catchIf(
      Effect.map(fs.readFile(path), (content) => {
        const found = content.subarray(positionBytes, positionBytes + into.length)
        into.set(found)
        return { ...seen(content.length), readBytes: found.length }
      }),
      (error) => error._tag === "SystemError" && error.reason === "NotFound",
      () => Effect.succeed(undefined)
    ),
  append: (path, bytes) => {
    const appending = Effect.scoped(
      Effect.flatMap(fs.open(path, { flag: "a" }), (file) =>
        Effect.zipRight(
          file.writeAll(bytes),
          Effect.map(file.stat, ({ size }) => seen(Number(size)))
        )
      )
    )
    // The other files belong to a compaction, whose operations take their time.
    return isDirect && path === fileOf("directory") ? Effect.runSyncExit(appending) : appending
  },
  create: (path) => Effect.scoped(Effect.asVoid(fs.open(path, { flag: "wx" }))),
  rename: (from, to) => fs.rename(from, to),
  remove: (path) => fs.remove(path)
})

// A state file is replaced at the end of a run only, when no line is looked for any more.
const seen = (sizeBytes: number) => ({ identity: "one", sizeBytes, modifiedMillis: 0 })
