/**
 * Every parser of untrusted text takes linear time: arguments, lists, URLs, headers, file names. Each text takes milliseconds of CPU
 * time. A quadratic parser would take more than ten seconds. CPU time does not depend on what other processes do.
 */
import { setImmediate } from "node:timers/promises"
import { afterEach, assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type Command, optionsOf } from "../src/Cli/commandLine/Command.js"
import { parse } from "../src/Cli/commandLine/parse.js"
import * as FlagsCommand from "../src/Cli/Flags.js"
import * as List from "../src/Cli/Get/input/list.js"
import * as Get from "../src/Cli/Get.js"
import * as Serve from "../src/Cli/Serve.js"
import * as Spin from "../src/Cli/Spin.js"
import * as RequestHeaders from "../src/Download/requestHeaders.js"
import * as RequestProblem from "../src/Download/requestProblem.js"
import * as Download from "../src/Download.js"
import * as DiskErrors from "../src/DownloadError/diskErrors.js"
import * as Downloader from "../src/Downloader.js"
import * as Redirect from "../src/engine/redirect.js"
import * as Flags from "../src/Flags.js"
import * as Digest from "../src/internal/digest.js"
import { contentLength } from "../src/internal/http/contentLength.js"
import { parseContentRange } from "../src/internal/http/contentRange.js"
import { parseHttpDate, parseRetryAfter } from "../src/internal/http/retryAfter.js"
import * as Validator from "../src/internal/http/validator.js"
import * as DisplayUrl from "../src/internal/text/displayUrl.js"
import * as FileNames from "../src/internal/text/fileNames.js"
import * as NormalizedUrl from "../src/internal/text/normalizedUrl.js"
import * as Printable from "../src/internal/text/printable.js"
import { UniquePaths } from "../src/internal/text/uniquePaths.js"
import { Chunked } from "../src/Node/Transport/http1/response/chunkedDecoder.js"
import * as Head from "../src/Node/Transport/http1/response/responseHead.js"
import { isPartName } from "../src/Store/files/partName.js"
import * as MemoryStore from "../src/Store/Memory.js"
import * as HttpErrors from "../src/Transport/httpClientErrors.js"
import * as Origin from "../src/testing/Origin.js"

const length = 200_000

const cpuMillisAtMost = 2000

// The test runner fails a file that blocks the event loop for a minute.
afterEach(() => setImmediate())

/** Long runs of characters that regular expressions repeat, each with an end that does not match. */
const hostile: ReadonlyArray<string> = [
  ...[
    ".",
    "/",
    "\\",
    " ",
    "-",
    "+",
    "0",
    "a",
    "#",
    "@",
    "?",
    "&",
    "%",
    ":",
    "=",
    "_",
    "\t",
    "\u001b",
    "\u001b[",
    "\u001b]"
  ],
  ...[
    "\u0301",
    "\u200b",
    "\ufeff",
    "a=",
    "%e2",
    "//",
    "1.",
    "..",
    "\ud800",
    "日",
    "user:pass@",
    "# ",
    " #",
    ";a=",
    "&a=b",
    " http://a@",
    "'a",
    "(a"
  ]
].map((piece) => `${piece.repeat(length / piece.length)}!`)

const commands: ReadonlyArray<Command> = [Get.command, FlagsCommand.command, Spin.command, Serve.command]

/** Calls the function with each text, and limits the CPU time that this process takes for it. */
const forEachText = (read: (text: string) => void): void => {
  for (const text of hostile) {
    const before = process.cpuUsage()
    read(text)
    const { system, user } = process.cpuUsage(before)
    assert.isBelow((user + system) / 1000, cpuMillisAtMost, JSON.stringify(text.slice(0, 10)))
  }
}

describe("200,000 hostile characters", () => {
  it("are read as arguments and as the value of each option", () => {
    forEachText((text) => {
      for (const command of commands) {
        parse(optionsOf(command), [text, `--${text}`, "--", text], command)
        for (const option of optionsOf(command)) {
          command.read({ options: new Map([[option, [text]]]), positional: [text] }, "1.0.0")
        }
      }
    })
  })

  it("are read as a URL, a directory and a code of flags", () => {
    forEachText((text) => {
      const { destination, url } = Flags.request(text.slice(0, 10), { baseUrl: text, directory: text })
      assert.isAbove(url.length + destination.length, length)
    })
  })

  it("are displayed", () => {
    forEachText((text) => {
      DisplayUrl.displayUrl(text)
      assert.isAtMost(DisplayUrl.displayUrl(`http://host.test/${text}`).length, 4096)
      DisplayUrl.displayUrl(`http://host.test/?${text}`)
      Printable.line(text)
      Printable.withoutEscapes(text)
    })
  })

  it.effect("are read as lines of a list, and short lines get a file name", () =>
    Effect.gen(function* () {
      const encoder = new TextEncoder()
      for (const text of hostile) {
        const paths = new UniquePaths()
        const short = text.slice(0, 20_000)
        const bytes = encoder.encode(
          `${text}\nhttp://host.test/${short}\nhttp://host.test/${short}!\nhttp://host.test/b`
        )
        const list = List.fromBytes(Stream.make(bytes), {
          name: "list",
          label: "list",
          baseUrl: undefined,
          onIgnored: () => {}
        })
        const entries = Chunk.toReadonlyArray(yield* Stream.runCollect(list))
        const names = entries.flatMap((entry) =>
          entry._tag === "Item" ? [paths.take(FileNames.fromUrl(entry.url))] : []
        )
        assert.strictEqual(names.at(-1), "b")
      }
    })
  )

  it("are made into file names", () => {
    forEachText((text) => {
      for (const name of [
        FileNames.fromText(text),
        FileNames.fromText(text.slice(0, -1)),
        FileNames.fromUrl(text),
        FileNames.fromUrl(`http://host.test/${text}`),
        FileNames.numbered(text, 2)
      ]) {
        assert.isAtMost(new TextEncoder().encode(name).length, 255)
      }
      Array.from(
        { length: 3 },
        (
          (names) => () =>
            names.next()
        )(FileNames.candidates(`d/${text}`))
      )
      isPartName(text)
      isPartName(`.halyard-${text}.part`)
    })
  })

  it("are read as headers of a response", () => {
    const from = new Redirect.Hop("http://host.test/", 0, true)
    const redirect = (location: string) => Redirect.next(from, { status: 302, headers: { location } })
    forEachText((text) => {
      assert.isUndefined(parseContentRange(text) ?? parseContentRange(`bytes ${text}`))
      assert.isUndefined(contentLength({ "content-length": text }))
      assert.isUndefined(parseRetryAfter(text, 0) ?? parseHttpDate(text, 0) ?? parseHttpDate(`M${text}day, `, 0))
      parseRetryAfter(text.slice(0, -1), 0)
      for (const value of [text, `"${text}"`, `"${text}`, `W/${text}`]) {
        const validator = Validator.strong({ etag: value })
        Validator.matches(validator ?? value, { etag: value, "last-modified": value })
      }
      assert.isUndefined(Validator.strong({ "last-modified": text, date: text }))
      redirect(text)
      redirect(`http://${text}`)
      redirect(`/${text}`)
    })
  })

  it("are read as the head and the chunks of a response", () => {
    forEachText((text) => {
      for (const start of ["", "HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nkeep-alive: "]) {
        const bytes = Buffer.from(`${start}${text}\r\n\r\n`, "latin1")
        Head.parse(bytes, bytes.length, bytes.length + 1)
      }
      for (const start of ["", "1", "1;", "1;a=", '1;a="', "0\r\n", "0\r\na: "]) {
        const bytes = Buffer.from(start + text, "latin1")
        const chunked = new Chunked()
        while (chunked.find(bytes, chunked.endBytes) === "content") {
          // On to what follows it.
        }
      }
    })
  })

  it("are read as fields of a request", () => {
    forEachText((text) => {
      for (const digest of [text, `sha256:${text}`, `sha256-${text}`, `sha256-a?${text}`, `sha384-${text} ${text}`]) {
        assert.isUndefined(Digest.parse(digest))
      }
      for (const url of [text, `http://${text}`, `http://host.test/${text}`, `http://${text}@host.test/`]) {
        RequestProblem.ofUrl(url)
        NormalizedUrl.originOf(url)
        const parsed = DisplayUrl.parse(url)
        if (parsed !== undefined) {
          RequestHeaders.requestUrl(new Redirect.Hop(parsed.href, 0, true))
        }
      }
      RequestProblem.ofDestination(text)
      RequestProblem.ofMediaType(text)
      RequestHeaders.problem({ headers: { [text]: Redacted.make(text), a: Redacted.make(text) } })
    })
  })

  it("are decoded as fields of a request", () => {
    const decode = Schema.decodeUnknownEither(Download.DownloadRequest)
    forEachText((text) => {
      for (const field of ["url", "id", "destination", "timeout", "onExists", "digest", "sizeBytes", "mediaType"]) {
        decode({ url: "http://host.test/", destination: "a", [field]: text })
      }
      decode({ url: "http://host.test/", destination: "a", headers: { [text]: text, a: text } })
    })
  })

  it("are read as errors of a client and of a disk", () => {
    forEachText((text) => {
      for (const message of [text, `http://${text}`]) {
        HttpErrors.fromCause("http://host.test/", new Error(message))
        DiskErrors.fromCause(text, new Error(message))
        DiskErrors.codeOf({ code: `Unknown system error -${text}` })
      }
      DisplayUrl.displayDetail(text)
      DisplayUrl.displayLabel(text)
      DisplayUrl.isRedacted(text)
    })
  })

  it.effect("are compared as destinations", () =>
    Effect.gen(function* () {
      const { run } = yield* Downloader.Downloader
      const requests = hostile.map((text) =>
        Download.request({ url: "http://host.test/a", destination: `d/${text}`, onExists: "overwrite" })
      )
      const outcomes = yield* Stream.runCollect(run(Stream.fromIterable([...requests, ...requests])))
      assert.strictEqual(Chunk.size(outcomes), 2 * hostile.length)
    }).pipe(
      Effect.provide(
        Downloader.layer.pipe(
          Layer.provide(
            Layer.merge(
              MemoryStore.layer,
              Origin.layer((asked) => Origin.file(asked, "content"))
            )
          )
        )
      )
    )
  )
})
