/**
 * Command lines that are refused because of their credentials or headers: one sentence on standard error, without a secret.
 */
import { writeFileSync } from "node:fs"
import { describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { refuses } from "../../../support/program/commandLine.js"
import { temporaryDirectory } from "../../../support/program/program.js"

const url = "https://example.com/a"

describe("a command line", () => {
  it.scoped("is refused for credentials that cannot be read or sent, without their text", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      writeFileSync(`${directory}/netrc`, "machine a\nlogin b s3cret", { mode: 0o600 })
      const netrc = `${directory}/netrc`
      yield* refuses([
        [
          ["get", url, "-u", ":s3cret"],
          "halyard get: --user USER[:PASSWORD] must have a name, and no control characters"
        ],
        [
          ["get", url, "-u", "me:s3\ncret"],
          "halyard get: --user USER[:PASSWORD] must have a name, and no control characters"
        ],
        [
          ["get", url, "-u", "me"],
          "halyard get: --user me: there is no terminal to ask for the password on; set HALYARD_PASSWORD"
        ],
        [
          ["get", url, "-u", "me:s3cret", "-H", "authorization: Bearer s3cret"],
          "halyard get: --user and the header Authorization are two credentials: give one of them"
        ],
        [
          ["get", "ftp://a", url, "-u", "me:s3cret", "-H", "a: b", "-d", directory],
          "halyard get: --header and --user are for the origin of the first URL, ftp://a: ftp: is neither http: nor https:"
        ],
        [["get", url, "--netrc-file", "no-such-file"], "halyard get: --netrc-file no-such-file: there is no such file"],
        [
          ["get", url, "--netrc-file", netrc],
          `halyard get: --netrc-file ${netrc}: line 2: it has a word that is none of machine, default, login, password, account and macdef`
        ],
        [["get", url, "--netrc"], "halyard get: --netrc: the variable HOME is not set; give --netrc-file FILE"]
      ])
    }).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map())))
  )

  it.effect("is refused for a User-Agent or a Referer that no header can have", () =>
    refuses(
      ["--user-agent TEXT", "--referer URL"].flatMap((label) =>
        ["", "a\nb", "\u{1f600}"].map(
          (value) =>
            [
              ["get", url, `${label.replace(/ .*/, "")}=${value}`],
              `halyard get: ${label} must not be empty, and can have no line breaks and no characters above U+00FF`
            ] as const
        )
      )
    )
  )

  it.effect("is refused for a Referer that is no URL", () =>
    refuses(
      ["not url", "ftp://a/", "/path", "http://"].map(
        (value) =>
          [
            ["get", url, "-e", value],
            `halyard get: --referer URL must be an absolute URL of http: or https:, not '${value}'`
          ] as const
      )
    )
  )

  it.scoped("is refused for headers that cannot be read, without their values", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const file = (name: string, content: string | Uint8Array) => {
        writeFileSync(`${directory}/${name}`, content)
        return `${directory}/${name}`
      }
      const wrong = file("wrong", "X-Key: s3cret\ns3cret without a name\n")
      const large = file("large", `X-Key: ${"s3cret".repeat(20_000)}\n`)
      const latin1 = file("latin1", Buffer.from("X-Key: s3cret\xe9\n", "latin1"))
      const blank = file("blank", "\n \n")
      const own = file("own", "Range: bytes=1-\n")
      const rule = "--header NAME:VALUE must have a name and a colon, or be @FILE"
      yield* refuses(
        (
          [
            [["-H", `@${wrong}`], `--header @${wrong}: line 2 is not NAME:VALUE`],
            [["-H", `@${large}`], `--header @${large}: it is larger than 64 KiB`],
            [["-H", `@${latin1}`], `--header @${latin1}: it has bytes that are not UTF-8`],
            [["-H", `@${own}`], "--header NAME:VALUE: the downloader sets the header Range itself"],
            [["-H", `@${blank}`], `--header @${blank}: it contains no header`],
            [["-H", "@no-such-file"], "--header @no-such-file: there is no such file"],
            [["-H", "@."], "--header @.: it is a directory"],
            [["-H", ""], rule],
            [["-H", "", "-o", "-"], rule],
            [["-H", "X-Key: s3cret", "-H", ""], rule],
            [["--header-env", "EMPTY_KEY"], "--header-env EMPTY_KEY: it contains no header"],
            [["--header-env", ""], "--header-env NAME must be the name of an environment variable"],
            [["--header-env", "NO_SUCH_KEY"], "--header-env NAME: there is no environment variable NO_SUCH_KEY"]
          ] as const
        ).map(([line, sentence]) => [["get", url, ...line], `halyard get: ${sentence}`] as const)
      )
    }).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["EMPTY_KEY", ""]]))))
  )

  it.scoped("is refused for headers without an origin", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      for (const first of [
        "api.example.com/private",
        "localhost:8080/private",
        "http://api.example.com:99999/private",
        "ftp://api.example.com/private",
        "http://api.exa\u0001mple.com/private"
      ]) {
        writeFileSync(`${directory}/list`, `# a list\n${first}\n${url}\n`)
        const key = ["-H", "X-Key: s3cret", "-d", directory]
        yield* refuses([
          [["get", first, url, ...key], /--header is for the origin of the first URL, [^\n]*: (?!.*s3cret)[^\n]+\n$/],
          [
            ["get", "-i", `${directory}/list`, ...key],
            /--header is for the origin of the first URL of the list: (?!.*s3cret)[^\n]+\n$/
          ]
        ])
      }
    })
  )
})
