/**
 * A file at three simulated origins that are slow, and a downloader that divides it into segments.
 */
import { createHash } from "node:crypto"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Download from "../../../src/Download.js"
import * as Downloader from "../../../src/Downloader.js"
import * as OriginGovernor from "../../../src/OriginGovernor.js"
import * as Progress from "../../../src/Progress.js"
import * as MemoryStore from "../../../src/Store/Memory.js"
import { autoAdvance, Origin } from "../../../src/testing.js"
import { nothingIsLeft } from "./interruptedDownload.js"

export const mebibyte = 1024 * 1024

export const content = Uint8Array.from({ length: 8 * mebibyte }, (_, index) => (index * 31 + (index >> 12) * 7) & 0xff)

export const other = content.map((byte) => byte ^ 0xff)

export const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`

export const url = "http://one.test/large.bin"
export const mirrors = ["http://two.test/mirror/large.bin", "http://three.test/large.bin"]

const request = (given: Partial<Download.RequestOptions> = {}) =>
  Download.request({ url, mirrors, destination: "large.bin", timeout: "1 hour", ...given })

export const download = (given?: Partial<Download.RequestOptions>) =>
  Effect.flatMap(Downloader.Downloader, (downloader) => downloader.download(request(given)))

// 2.5 MiB a second on each connection.
export const slow = { chunkBytes: 256 * 1024, chunkDelay: "90 millis", etag: '"1"' } as const

export type Script = (asked: Origin.Request) => Origin.Reply

export const hostOf = (asked: Origin.Request): string => new URL(asked.url).hostname.split(".")[0] ?? ""

/** The same file at each host, except for the hosts with a reply of their own. */
export const byHost =
  (scripts: Readonly<Record<string, Script>> = {}): Script =>
  (asked) =>
    scripts[hostOf(asked)]?.(asked) ?? Origin.file(asked, content, slow)

export const within = (script: Script, options: Downloader.Options = {}, limits: OriginGovernor.Options = {}) =>
  Downloader.layerWith({ segments: 4, ...options }).pipe(
    Layer.provideMerge(
      Layer.mergeAll(Origin.layer(script), MemoryStore.layer, OriginGovernor.layer(limits), Progress.layerRecording)
    )
  )

export const askedOf = (host: string) =>
  Effect.map(Origin.Origin, (origin) => origin.requests().filter((asked) => hostOf(asked) === host))

export const givenUp = Effect.map(
  Effect.flatMap(Progress.Recorded, ({ events }) => events),
  (events) => events.flatMap((event) => (event._tag === "MirrorGivenUp" ? [event] : []))
)

export const isThere = Effect.gen(function* () {
  const { files, parts } = yield* MemoryStore.MemoryFiles
  const found = (yield* files).get("large.bin")
  assert.isTrue(found !== undefined && Buffer.from(found.buffer, found.byteOffset, found.length).equals(content))
  assert.strictEqual(yield* parts, 0)
})

export const isSaved = (given: Partial<Download.RequestOptions> | undefined, attempts: number) =>
  Effect.gen(function* () {
    assert.deepInclude(yield* autoAdvance(download(given)), { _tag: "Saved", attempts, bytes: content.length })
    yield* isThere
    yield* nothingIsLeft
  })

export const now = Effect.clockWith((clock) => clock.currentTimeMillis)
