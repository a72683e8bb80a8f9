/**
 * The report page of a batch in a browser.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { withData } from "../../src/RunRecord/page.js"
import * as RunRecord from "../../src/RunRecord.js"
import { hasBrowser, needsBrowser, openHtml, rowsOf, violations } from "../support/browser.js"
import { recordOf } from "../support/recorded/recordedBatch.js"
import { failed, missing, requestTo } from "../support/recorded/recordedRun.js"
import { template } from "../support/recorded/reportPage.js"

describe.skipIf(!hasBrowser)(`the report page of a batch${needsBrowser}`, () => {
  it.scopedLive("shows the shards of a batch on their runners, its failed files, and what it cannot show", () =>
    Effect.gen(function* () {
      const record = RunRecord.make()
      for (const path of ["a", "b"]) {
        const request = requestTo(`http://origin.test/${path}`, `out/${path}`)
        record.receive(failed(request, 0, missing(request)))
      }
      const html = withData(template, recordOf().of(record.data()))
      const { page, problems, requests } = yield* openHtml(html)
      const text = (selector: string) => Effect.promise(() => page.locator(selector).innerText())
      assert.strictEqual(yield* text("h1"), "The batch is running: 393 of 410 files have an outcome")
      assert.include(yield* text("header"), "batch nightly")
      assert.include(yield* text("header"), "by 2 runners")
      assert.include(yield* text("dl.facts"), "shards at a time\n4")
      assert.include(yield* text("#outcomes"), "381 saved (93 %)")
      assert.include(
        yield* text("#what-failed"),
        "10\na shard was abandoned after 3 attempts: Error: <b>out of memory</b>"
      )
      assert.include(yield* text("#where-time-went"), "shards were in their last attempt")
      assert.include(yield* text("#over-time"), "the saved files and the requests are not shown")
      assert.include(yield* text("#over-time"), "Files per second")
      assert.match(yield* text("#chart-status"), /shards 1 to 40 of 40 in this time/)
      assert.deepStrictEqual(
        (yield* rowsOf(page, "failed-files-table")).map((row) => row.slice(0, 4)),
        [
          ["a", "HTTP error 404 - Not Found", "response", "origin.test"],
          ["b", "HTTP error 404 - Not Found", "response", "origin.test"]
        ]
      )
      assert.deepStrictEqual(yield* rowsOf(page, "origin-sums-table"), [["http://origin.test", "2"]])
      const [slowest] = yield* rowsOf(page, "slowest-shards-table")
      assert.deepStrictEqual(slowest, [
        "shard 7",
        "done",
        "30.0 s",
        "35.0 s",
        "2",
        "10",
        "0",
        "10.0 kB",
        "10.0.0.1:7410",
        ""
      ])
      assert.strictEqual((yield* rowsOf(page, "runner-sums-table")).length, 2)
      yield* Effect.promise(() => page.locator("#all-shards-table").getByText("shard 7", { exact: true }).click())
      assert.include(
        yield* text("#details"),
        "Attempt 1 began at 30.0 s. Its runner stopped. The next one began 25.0 s later."
      )
      assert.include(yield* text("#transfers"), "1 shard of 41 have no row")
      assert.strictEqual(yield* Effect.promise(() => page.locator("b").count()), 0)
      assert.deepStrictEqual(problems, [])
      assert.deepStrictEqual(requests, [])
      const withoutPolicy = html.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, "")
      assert.deepStrictEqual(yield* violations((yield* openHtml(withoutPolicy)).page), [])
    })
  )
})
