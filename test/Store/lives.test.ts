/**
 * Processes that are killed, paused, and that use one directory at a time.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { build } from "esbuild"
import { until } from "../support/poll.js"
import { start, temporaryDirectory } from "../support/program/program.js"

const blockBytes = 300_000

const program = Effect.acquireRelease(
  Effect.promise(async () => {
    const directory = mkdtempSync(`${tmpdir()}/store-life-`)
    const outfile = `${directory}/life.mjs`
    await build({
      entryPoints: [fileURLToPath(new URL("../support/storage/storeLife.ts", import.meta.url))],
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' }
    })
    return { directory, outfile }
  }),
  ({ directory }) => Effect.sync(() => rmSync(directory, { recursive: true }))
)

const lifeIn = (outfile: string, cwd: string, blocks: number, durability: string) =>
  start(process.execPath, [outfile, `${cwd}/file`, `${blockBytes}`, `${blocks}`, durability], { cwd })

const openedBlocks = (stdout: string): number => Number(/^open (\d+)$/m.exec(stdout)?.[1] ?? Number.NaN)

const keptBlocks = (stdout: string): number =>
  Math.max(openedBlocks(stdout), ...Array.from(stdout.matchAll(/^kept (\d+)$/gm), ([, count]) => Number(count)))

const contentOf = (blocks: number): Buffer =>
  Buffer.concat(Array.from({ length: blocks + 1 }, (_, index) => Buffer.alloc(blockBytes, index + 1)))

describe("a store on the disk of the machine", () => {
  for (const durability of ["rename", "full"]) {
    it.scopedLive(`continues after kill -9 from the last checkpoint, or from a later one (${durability})`, () =>
      Effect.gen(function* () {
        const { outfile } = yield* program
        const cwd = yield* temporaryDirectory
        let kept = 0
        for (let life = 1; life <= 12; life++) {
          const running = yield* lifeIn(outfile, cwd, 200, durability)
          // It is killed in the middle of its work, a moment after it has said that something is kept.
          const aim = kept + 1 + (life % 3)
          yield* until(`${aim} blocks`, () => keptBlocks(running.stdout()) >= aim || undefined, running.stderr)
          yield* running.signal("SIGKILL")
          const { stdout } = yield* running.ended
          const found = openedBlocks(stdout)
          assert.isTrue(found >= kept && found <= kept + 1, `life ${life}: ${found} after ${kept}`)
          kept = keptBlocks(stdout)
        }
        const last = yield* lifeIn(outfile, cwd, kept + 2, durability)
        const { stdout } = yield* last.ended
        assert.include(stdout, "published")
        assert.isAtLeast(openedBlocks(stdout), kept)
        assert.isTrue(readFileSync(`${cwd}/file`).equals(contentOf(kept + 2)))
        assert.deepStrictEqual(readdirSync(cwd), ["file"])
      })
    )
  }

  it.scopedLive("never gives the part of a running or a paused process to another one", () =>
    Effect.gen(function* () {
      const { outfile } = yield* program
      const cwd = yield* temporaryDirectory
      const paused = yield* lifeIn(outfile, cwd, 1000, "full")
      yield* until("2 blocks", () => keptBlocks(paused.stdout()) >= 2 || undefined, paused.stderr)
      yield* paused.signal("SIGSTOP")
      const second = yield* lifeIn(outfile, cwd, 3, "rename")
      assert.strictEqual(openedBlocks((yield* second.ended).stdout), 0)
      assert.isTrue(readFileSync(`${cwd}/file`).equals(contentOf(3)))
      yield* paused.signal("SIGKILL")
      const kept = keptBlocks((yield* paused.ended).stdout)
      // Many at a time: one of them takes the part.
      const all = yield* Effect.forEach([1, 2, 3, 4, 5], () => lifeIn(outfile, cwd, kept + 2, "rename"))
      const outputs = yield* Effect.forEach(all, ({ ended }) => Effect.map(ended, ({ stdout }) => stdout))
      assert.deepStrictEqual(
        outputs.map((stdout) => openedBlocks(stdout) >= kept).filter((is) => is),
        [true],
        outputs.join("\n")
      )
      assert.isTrue(outputs.every((stdout) => stdout.includes("published")))
      assert.isTrue(readFileSync(`${cwd}/file`).equals(contentOf(kept + 2)))
      assert.deepStrictEqual(readdirSync(cwd), ["file"])
    })
  )
})
