/**
 * One row of a hostile-world test: the replies of the simulated origin, request by request, and the expected outcome.
 */
import { createHash } from "node:crypto"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Download from "../../../src/Download.js"
import * as Downloader from "../../../src/Downloader.js"
import * as MemoryStore from "../../../src/Store/Memory.js"
import { autoAdvance, layer, Origin } from "../../../src/testing.js"

export type Options = Partial<Parameters<typeof Download.request>[0]>

export const download = (url: string, options?: Options) =>
  Effect.flatMap(Downloader.Downloader, (downloader) =>
    downloader.download(Download.request({ url, destination: "file", ...options }))
  )

export const content = Effect.map(
  Effect.flatMap(MemoryStore.MemoryFiles, ({ files }) => files),
  (files) => new TextDecoder().decode(files.get("file"))
)

export const nothingLeft = Effect.gen(function* () {
  assert.strictEqual((yield* Origin.Origin).open(), 0)
  assert.strictEqual(yield* (yield* MemoryStore.MemoryFiles).parts, 0)
})

export const url = "http://origin.test/file"

export const body = "0123456789"

export const sha256 = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`

/** One row: replies by turn (the last one stays), and what becomes of it. */
export const row = (
  title: string,
  replies: ReadonlyArray<Origin.Reply | ((request: Origin.Request) => Origin.Reply)>,
  expected: Readonly<Record<string, unknown>>,
  options?: Options & {
    readonly strict?: boolean
    readonly content?: string
    readonly requests?: number
    /** What the requests ask for, in their order. */
    readonly ranges?: ReadonlyArray<string | undefined>
  }
) =>
  it.effect(title, () =>
    Effect.gen(function* () {
      const { content: text, ranges, requests, strict: _, ...request } = options ?? {}
      const outcome = yield* autoAdvance(Effect.merge(download(url, request)))
      assert.deepInclude(outcome, expected)
      if (outcome._tag === "Saved") {
        assert.strictEqual(yield* content, text ?? body)
      } else {
        assert.strictEqual((yield* (yield* MemoryStore.MemoryFiles).files).size, 0)
      }
      if (requests !== undefined) {
        assert.strictEqual((yield* Origin.Origin).requests().length, requests)
      }
      if (ranges !== undefined) {
        const asked = (yield* Origin.Origin).requests().map(({ headers }) => headers["range"])
        assert.deepStrictEqual(asked, ranges)
      }
      yield* nothingLeft
    }).pipe(
      Effect.provide(
        layer(
          (request) => {
            const reply = replies[Math.min(request.turn, replies.length - 1)] ?? {}
            return typeof reply === "function" ? reply(request) : reply
          },
          { strict: options?.strict }
        )
      )
    )
  )

/** What the row's file is as an honest origin serves it, whole or as the range that was asked for. */
export const whole = (request: Origin.Request): Origin.Reply => Origin.file(request, body, { etag: '"1"' })

/** The same, broken off after four bytes. */
export const cut = (request: Origin.Request, how: "reset" | "close" | "unnoticed" = "close"): Origin.Reply =>
  Origin.file(request, body, { etag: '"1"', breakAt: { bytes: 4, how } })

export const saved = { _tag: "Saved", bytes: 10, verified: "length" } as const

export const partial = (
  range: string,
  text: string,
  more: Readonly<Record<string, string>> = { etag: '"1"' }
): Origin.Reply => ({
  status: 206,
  headers: { "content-range": range, "content-length": `${text.length}`, ...more },
  body: text
})

export const isRange = (request: Origin.Request): boolean => request.headers["range"] !== undefined

/** The reply of a server whose connection breaks off after four bytes. */
export const broken = (request: Origin.Request): Origin.Reply => cut(request)

/** The range that is requested after `broken`, and its bytes. */
export const range = "bytes=4-"

export const rest = "456789"

export const startsOver = { ...saved, attempts: 3 }
