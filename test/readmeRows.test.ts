/**
 * The rows of progress in README.md, which are written again from their numbers.
 */
import { assert, it } from "@effect/vitest"
import { Truncated } from "../src/DownloadError.js"
import * as RunView from "../src/RunView.js"
import { read } from "./support/documentation.js"
import { requestOf } from "./support/recorded/runEvents.js"

const megabytes = 1_000_000

it("README.md shows rows as the program writes them", () => {
  const [, shown = ""] =
    /<!-- the rows of a run: bench\/captures\/readme\.mjs -->\n```text\n([^`]*)```/.exec(read("README.md")) ?? []
  const [head = "", row = ""] = shown.split("\n")
  const numbers =
    /^(\d)\/(\d) {2}\[(=*>) *\] {2}([\d.]+) MB {2}([\d.]+) MB\/s {2}(~?)(\d+) s left {2}(\d) failed {2}(\d) to retry$/.exec(
      head
    )
  assert.isNotNull(numbers, head)
  const [, done, expected, bar = "", bytes, rate, tilde, left, failed, waiting] = numbers ?? []
  const [, name = "", seconds, receivedBytes, expectedBytes] =
    /^(\S+) {2}retry in (\d+) s: the body broke off after (\d+) of (\d+) bytes$/.exec(row) ?? []
  const error = new Truncated({
    url: "http://files.example/disk.iso",
    expectedBytes: Number(expectedBytes),
    receivedBytes: Number(receivedBytes)
  })
  const width = head.indexOf("]") - head.indexOf("[") - 1
  const transferred = Number(bytes) * megabytes
  const transfer: RunView.Transfer = {
    request: requestOf(name),
    bytes: transferred,
    totalBytes: Number(expectedBytes),
    bytesPerSecond: Number(rate) * megabytes,
    remainingMillis: undefined,
    elapsedMillis: 1000,
    idleMillis: 0,
    connections: 0,
    retries: 1,
    waiting: { error, remainingMillis: Number(seconds) * 1000 }
  }
  const snapshot: RunView.Snapshot = {
    done: Number(done),
    failed: Number(failed),
    inFlight: Number(expected) - Number(done),
    expected: Number(expected),
    bytes: transferred,
    // In the middle of the column at which the bar ends.
    totalBytes: transferred / ((bar.length - 0.5) / width),
    isEstimate: tilde === "~",
    bytesPerSecond: Number(rate) * megabytes,
    remainingMillis: Number(left) * 1000,
    elapsedMillis: 1000,
    retries: 1,
    waiting: Number(waiting),
    longWaits: [],
    transfers: [transfer]
  }
  assert.strictEqual(RunView.rows(snapshot, { columns: 109 }).join("\n"), shown.trimEnd())
})
