/**
 * The cookies of `halyard get`: those of files, and those that servers set during the run.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { fromCause } from "../../../DownloadError/diskErrors.js"
import type { DownloadEvent } from "../../../DownloadEvent.js"
import * as Printable from "../../../internal/text/printable.js"
import { StatusLine } from "../../../StatusLine.js"
import * as ReplacedFile from "../../run/replacedFile.js"
import { UsageError } from "../../UsageError.js"
import { textOf } from "../input.js"
import type { Options } from "../options.js"

/** The cookies of a run. */
export interface RunCookies {
  /** `Cookies`, if an option needs them. */
  readonly layer: Layer.Layer<never>
  /** Takes the events of the run, if there is a jar. */
  readonly receive: ((event: DownloadEvent) => void) | undefined
  /** Writes the file of `--cookie-jar`. Returns false if that failed. */
  readonly save: Effect.Effect<boolean>
}

const none: RunCookies = { layer: Layer.empty, receive: undefined, save: Effect.succeed(true) }

// Browsers keep some thousand cookies of at most 4 KiB.
const fileAtMostBytes = 16 * 1024 * 1024

/** Reads the cookie files, and finds out whether the file for the jar can be written. */
export const open = Effect.fnUntraced(function* ({ cookie, cookieJar }: Pick<Options, "cookie" | "cookieJar">) {
  const files = cookie.flatMap((source) => (source._tag === "File" ? [source.path] : []))
  if (files.length === 0 && cookieJar === undefined) {
    return none
  }
  const { line } = yield* StatusLine
  const { CookieJar, layer } = yield* Effect.promise(() => import("../../../Cookies/Jar.js"))
  const context = yield* Layer.build(layer)
  const jar = Context.get(context, CookieJar)
  for (const file of files) {
    const label = `--cookie ${Printable.line(file)}`
    const added = jar.add(yield* textOf(label, file, fileAtMostBytes))
    if (Either.isLeft(added)) {
      return yield* new UsageError({ message: `${label}: ${added.left}` })
    }
    if (added.right > 0) {
      line(
        `${Printable.line(file)}: ${added.right} cookies are ignored, because no site may set them, or there are too many`
      )
    }
  }
  const { receive, save } = cookieJar === undefined ? none : yield* saver(cookieJar, jar.toText)
  const cookies: RunCookies = { layer: Layer.succeedContext(context), receive, save }
  return cookies
})

const saver = Effect.fnUntraced(function* (file: string, toText: () => string) {
  const fs = yield* FileSystem.FileSystem
  const { line } = yield* StatusLine
  const label = `--cookie-jar ${Printable.line(file)}`
  const type = yield* Effect.match(fs.stat(file), { onFailure: () => "File", onSuccess: (info) => info.type })
  const isStream = type !== "File" && type !== "Directory"
  // A jar that is a link may lead to a file that other users can read.
  const target = isStream
    ? undefined
    : yield* ReplacedFile.check("--cookie-jar", file, { hasSecrets: true, link: "replace" })
  if (isStream) {
    yield* Effect.mapError(
      fs.access(file, { writable: true }),
      (error) => new UsageError({ message: `${label}: ${fromCause(file, error).message}` })
    )
  }
  // A pipe or a device is written to.
  const write = Effect.suspend(() =>
    target === undefined
      ? Effect.mapError(fs.writeFileString(file, toText()), (error) => fromCause(file, error))
      : target.replace((temporary) => temporary.writeAll(new TextEncoder().encode(toText())))
  )
  const save = Effect.map(Effect.exit(write), (exit) => {
    if (Exit.isFailure(exit)) {
      line(`${label}: ${exit.cause._tag === "Fail" ? exit.cause.error.message : "it was not written"}`)
    }
    return Exit.isSuccess(exit)
  })
  return { receive: target?.receive, save }
})
