/**
 * The cookies of `halyard get`: those of files, and those that servers set during the run.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import { fromCause } from "../../DownloadError/diskErrors.js"
import * as Printable from "../../internal/text/printable.js"
import { StatusLine } from "../../StatusLine.js"
import { UsageError } from "../UsageError.js"
import { textOf } from "./input.js"
import type { Options } from "./options.js"

/** The cookies of a run. */
export interface RunCookies {
  /** `Cookies`, if an option needs them. */
  readonly layer: Layer.Layer<never>
  /** Writes the file of `--cookie-jar`. Returns false if that failed. */
  readonly save: Effect.Effect<boolean>
}

const none: RunCookies = { layer: Layer.empty, save: Effect.succeed(true) }

// Browsers keep some thousand cookies of at most 4 KiB.
const fileAtMostBytes = 16 * 1024 * 1024

/** Reads the cookie files, and finds out whether the file for the jar can be written. */
export const open = Effect.fnUntraced(function* ({ cookie, cookieJar }: Pick<Options, "cookie" | "cookieJar">) {
  const files = cookie.flatMap((source) => (source._tag === "File" ? [source.path] : []))
  if (files.length === 0 && cookieJar === undefined) {
    return none
  }
  const { line } = yield* StatusLine
  const { CookieJar, layer } = yield* Effect.promise(() => import("../../Cookies/Jar.js"))
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
  const save = cookieJar === undefined ? none.save : yield* saver(cookieJar, jar.toText)
  const cookies: RunCookies = { layer: Layer.succeedContext(context), save }
  return cookies
})

const saver = Effect.fnUntraced(function* (file: string, toText: () => string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const { line } = yield* StatusLine
  const label = `--cookie-jar ${Printable.line(file)}`
  const info = yield* Effect.option(fs.stat(file))
  const type = info._tag === "Some" ? info.value.type : "File"
  if (type === "Directory") {
    return yield* new UsageError({ message: `${label}: it is a directory` })
  }
  yield* Effect.mapError(
    fs.access(type === "File" ? path.dirname(file) : file, { writable: true }),
    (error) => new UsageError({ message: `${label}: ${fromCause(file, error).message}` })
  )
  const number = yield* Random.nextIntBetween(0, 2 ** 31)
  const temporary = path.join(path.dirname(file), `.halyard-${number.toString(36)}.cookies`)
  // Another file gets the name when it is whole. A pipe or a device is written to.
  const write = Effect.suspend(() =>
    type === "File"
      ? fs.writeFileString(temporary, toText(), { flag: "wx", mode: 0o600 }).pipe(
          Effect.zipRight(fs.rename(temporary, file)),
          Effect.onError(() => Effect.ignore(fs.remove(temporary)))
        )
      : fs.writeFileString(file, toText())
  )
  return Effect.map(Effect.exit(write), (exit) => {
    if (Exit.isFailure(exit)) {
      const reason = exit.cause._tag === "Fail" ? fromCause(file, exit.cause.error).message : "it was not written"
      line(`${label}: ${reason}`)
    }
    return Exit.isSuccess(exit)
  })
})
