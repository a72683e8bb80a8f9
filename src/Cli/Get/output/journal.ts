/**
 * The journal of a run: the state files of the directories, or the file that --journal names.
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Journal, SavedNames } from "../../../Journal.js"
import { Host } from "../../Host.js"
import * as BucketUrl from "../../run/bucketUrl.js"
import { UsageError } from "../../UsageError.js"
import type { Options } from "../options.js"
import type { Output } from "../output.js"

type Services = Journal | SavedNames

/** Opens the journal; undefined if nothing is remembered. It is closed with the scope. */
export const open = Effect.fnUntraced(function* (
  { directory, dryRun, journal, noState }: Options,
  output: Output | undefined,
  onProblem: (text: string) => void
): Effect.fn.Return<Context.Context<Services> | undefined, UsageError, Host | FileSystem.FileSystem | Scope.Scope> {
  if (journal !== undefined) {
    const { layer, layerReadOnly } = yield* Effect.promise(() => import("../../../Journal/FileSystem.js"))
    return yield* Effect.mapError(
      Layer.build(dryRun ? layerReadOnly(journal) : layer(journal)),
      (error) => new UsageError({ message: `--journal FILE: ${error.message}` })
    )
  }
  // An object storage has no state files, because it cannot append to an object.
  if (noState || output?.stream !== undefined || BucketUrl.isIn(directory)) {
    return undefined
  }
  return yield* Layer.build((yield* Host).stateJournal({ onProblem, isReadOnly: dryRun }))
})
