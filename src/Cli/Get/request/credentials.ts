/**
 * The credentials of `halyard get`: `--user` for the origin of the first URL, and a netrc file for the host of each URL.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Credentials from "../../../Credentials.js"
import * as Printable from "../../../internal/text/printable.js"
import { StatusLine } from "../../../StatusLine.js"
import { Host } from "../../Host.js"
import { UsageError } from "../../UsageError.js"
import { textOf } from "../input.js"
import type { Options } from "../options.js"
import type { Headers } from "./headers.js"

const passwordVariable = "HALYARD_PASSWORD"

/** The value of `Authorization` for `--user`. A password that is not on the command line is that of the environment, or is asked for. */
export const ofUser = Effect.fnUntraced(function* (user: string) {
  const colon = user.indexOf(":")
  const name = colon < 0 ? user : user.slice(0, colon)
  const password = colon < 0 ? yield* passwordOf(name) : user.slice(colon + 1)
  return Redacted.value(Credentials.basic(name, password))
})

const passwordOf = Effect.fnUntraced(function* (name: string) {
  const given = yield* Effect.option(Config.string(passwordVariable))
  if (Option.isSome(given)) {
    return given.value
  }
  const typed = yield* (yield* Host).askPassword(`Password for ${Printable.line(name)}: `)
  return (
    typed ??
    (yield* new UsageError({
      message: `--user ${Printable.line(name)}: there is no terminal to ask for the password on; set ${passwordVariable}`
    }))
  )
})

// A file with an entry for each of ten thousand hosts is smaller.
const netrcAtMostBytes = 1024 * 1024

/** The entries of `--netrc-file`, or of `~/.netrc` with `--netrc`. */
export const netrcOf = Effect.fnUntraced(function* ({ netrc, netrcFile }: Pick<Options, "netrc" | "netrcFile">) {
  if (!netrc && netrcFile === undefined) {
    return undefined
  }
  const file = netrcFile ?? (yield* homeFile)
  const label = netrcFile === undefined ? `--netrc: ${Printable.line(file)}` : `--netrc-file ${Printable.line(file)}`
  const text = yield* textOf(label, file, netrcAtMostBytes)
  const netrcEntries = yield* Either.mapLeft(
    Credentials.parseNetrc(text),
    (rule) => new UsageError({ message: `${label}: ${rule}` })
  )
  yield* warnOfReaders(file)
  return netrcEntries
})

/** The file of `--netrc`. */
export const homeFile = Effect.flatMap(Path.Path, (path) =>
  Effect.mapBoth(Config.nonEmptyString("HOME"), {
    onFailure: () => new UsageError({ message: "--netrc: the variable HOME is not set; give --netrc-file FILE" }),
    onSuccess: (home) => path.join(home, ".netrc")
  })
)

/** Warns if other users of the machine can read the passwords. Windows has no such permissions. */
const warnOfReaders = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const info = Option.getOrUndefined(yield* Effect.option(fs.stat(file)))
  if ((yield* Path.Path).sep === "/" && info?.type === "File" && (info.mode & 0o077) !== 0) {
    const name = Printable.line(file)
    ;(yield* StatusLine).line(`${name}: other users can read the passwords in it; 'chmod 600 ${name}' prevents that`)
  }
})

/** Adds the credentials of a netrc file to the headers of a URL that has none. */
export const withNetrc =
  (netrc: Credentials.Netrc | undefined) =>
  (url: string, headers: Headers | undefined): Headers | undefined => {
    const found = netrc === undefined ? undefined : Credentials.fromNetrc(netrc, url)
    const isGiven = Object.keys(headers ?? {}).some((name) => name.toLowerCase() === "authorization")
    return found === undefined || isGiven ? headers : { ...headers, authorization: Redacted.value(found) }
  }
