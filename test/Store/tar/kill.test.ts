import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { assert, it } from "@effect/vitest"
import { entriesOf, samplesOf, unpackedByTar } from "../../support/storage/tarFiles.js"

const script = fileURLToPath(new URL("../../support/storage/tarProcess.mjs", import.meta.url))

const count = 150

const start = (tar: string): ChildProcess =>
  spawn(process.execPath, [script, tar, String(count)], { stdio: ["ignore", "pipe", "inherit"] })

/** The paths that a process prints, up to the line at which it is killed. */
const linesOf = async (child: ChildProcess, killAt = Number.POSITIVE_INFINITY): Promise<ReadonlyArray<string>> => {
  const lines: Array<string> = []
  assert.isNotNull(child.stdout)
  const ended = once(child, "exit")
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (lines.length === killAt) {
      child.kill("SIGKILL")
    }
  }
  await ended
  return lines
}

it("a tar on a disk is continued by the next process after kill -9", async () => {
  const directory = mkdtempSync(join(tmpdir(), "tar-"))
  try {
    const tar = join(directory, "00000.tar")
    const saved = new Set<string>()
    for (const killAt of [20, 30]) {
      for (const line of await linesOf(start(tar), killAt)) {
        assert.isFalse(saved.has(line), `${line} was saved before`)
        saved.add(line)
      }
      assert.isBelow(saved.size, count)
      assert.notInclude(readdirSync(directory), "00000.tar")
    }
    const last = start(tar)
    const lines = await linesOf(last)
    assert.strictEqual(last.exitCode, 0)
    // No file that was announced is written again.
    assert.deepStrictEqual(
      lines.filter((line) => saved.has(line)),
      []
    )
    const bytes = readFileSync(tar)
    const expected = new Map(
      Array.from({ length: count }, (_, index) => [`${index}.txt`, `file ${index} `.repeat(1 + index * 50)])
    )
    const samples = samplesOf(await entriesOf(bytes))
    assert.deepStrictEqual(new Map(samples.map(({ __key__: key, txt }) => [`${key}.txt`, txt])), expected)
    const { files } = unpackedByTar(bytes)
    assert.deepStrictEqual(new Map([...files].filter(([name]) => name.endsWith(".txt"))), expected)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
