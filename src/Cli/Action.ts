/**
 * What a command line stands for. Reading the line only chooses the action; it runs afterwards, so that nothing of it
 * passes through the machinery for help and errors, and so that only what it needs is loaded.
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import type * as Effect from "effect/Effect"
import type { Spinner } from "../Spinner.js"
import type { StatusLine } from "../StatusLine.js"
import type { Host } from "./Host.js"

/** Gives the exit code. What it fails with has a message that can be shown: one sentence. */
export type Action = Effect.Effect<
  number,
  { readonly _tag: string; readonly message: string },
  Host | Spinner | StatusLine | FileSystem.FileSystem | Path.Path
>
