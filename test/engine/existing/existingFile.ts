/**
 * A file at the destination of a request, and a server that has a file for its URL.
 */
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import * as Download from "../../../src/Download.js"
import * as Downloader from "../../../src/Downloader.js"
import type { MemoryEntries } from "../../../src/Journal/Memory.js"
import { MemoryFiles } from "../../../src/Store/Memory.js"
import { openScoped, Store } from "../../../src/Store.js"
import { autoAdvance, layer, Origin } from "../../../src/testing.js"

export const url = "http://origin.test/a"

export const lastModified = "Thu, 01 Jan 2026 00:00:00 GMT"

export const lastModifiedMillis = Date.parse(lastModified)

export const now = Date.parse("Tue, 01 Sep 2026 00:00:00 GMT")

type Fields = Partial<Parameters<typeof Download.request>[0]>

export const download = (fields?: Fields) =>
  Effect.flatMap(Downloader.Downloader, (downloader) =>
    downloader.download(Download.request({ url, destination: "d/a", onExists: "update", ...fields }))
  )

/** Puts a file at the destination, as another program would. */
export const write = (text: string, modifiedMillis: number, destination = "d/a") =>
  Effect.scoped(
    Effect.gen(function* () {
      const part = yield* openScoped(yield* Store, destination)
      yield* part.write(new TextEncoder().encode(text), 0)
      yield* part.publish({ onExists: "overwrite", durability: "rename", modifiedMillis })
    })
  )

export const content = (destination = "d/a") =>
  Effect.gen(function* () {
    const { files } = yield* MemoryFiles
    return new TextDecoder().decode((yield* files).get(destination))
  })

/** The conditions of the requests so far. */
export const conditions = Effect.map(Origin.Origin, ({ requests }) =>
  requests().map(({ headers }) => [headers["if-none-match"], headers["if-modified-since"]])
)

export const requestCount = Effect.map(Origin.Origin, ({ requests }) => requests().length)

/** Runs a test with a server that has this file. */
export const withFile = <A, E>(
  file: { readonly text: string; readonly etag?: string; readonly modified?: string; readonly status?: number },
  test: Effect.Effect<
    A,
    E,
    Effect.Effect.Context<ReturnType<typeof download>> | Origin.Origin | MemoryFiles | Store | MemoryEntries
  >
) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(now)
    return yield* autoAdvance(test).pipe(
      Effect.provide(
        layer((asked) =>
          Origin.file(asked, file.text, {
            etag: file.etag,
            ...(file.status === undefined ? {} : { status: file.status }),
            headers: file.modified === undefined ? {} : { "last-modified": file.modified }
          })
        )
      )
    )
  })
