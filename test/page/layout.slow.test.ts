/**
 * How the report page fits long names and narrow windows.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { hasBrowser, needsBrowser, rowsOf } from "../support/browser.js"
import {
  brokenOff,
  exchanged,
  failed,
  requestTo,
  retrying,
  run,
  saved,
  started
} from "../support/recorded/recordedRun.js"
import { open } from "../support/recorded/reportPage.js"

describe.skipIf(!hasBrowser)(`the layout of the report page${needsBrowser}`, () => {
  for (const width of [1000, 1200]) {
    it.scopedLive(`shows every column beside long names in a window of ${width} pixels`, () =>
      Effect.gen(function* () {
        const host = `${"mirror.".repeat(8)}example.test:8080`
        const names = Array.from({ length: 4 }, (_, index) => `${"abcdefghi-".repeat(20)}${index}.bin`)
        const events = names.flatMap((name, index) => {
          const request = requestTo(`http://${host}/${name}`, `out/${name}`)
          const error = brokenOff(request, 123_456_789)
          const phases = { blocked: 1200, lookup: 1100, connect: 9000, wait: 11_000, receive: 24_500 }
          const first = exchanged(request, { at: 46_800, ...phases, bytes: 123_456_789, error })
          const rest = exchanged(request, { began: 57_000, at: 103_800, ...phases, bytes: 123_456_789, attempt: 2 })
          const end = index % 2 === 0 ? saved(request, 103_800, 123_456_789) : failed(request, 103_800, error)
          return [started(request, 0), first, retrying(request, 46_800, 10_200, error), rest, end]
        })
        const { page } = yield* open(
          events.sort((one, other) => one.atMillis - other.atMillis),
          { width }
        )
        const tables = yield* Effect.promise(() =>
          page
            .locator("table")
            .evaluateAll((found) =>
              found.map((table) => [table.id, table.scrollWidth <= (table.parentElement?.clientWidth ?? 0)])
            )
        )
        assert.deepStrictEqual(
          tables,
          ["failed-files-table", "slowest-files-table", "origin-sums-table", "all-transfers-table"].map((id) => [
            id,
            true
          ])
        )
        const cells = yield* Effect.promise(() =>
          page
            .locator("th[scope=row]")
            .evaluateAll((found) =>
              found.map((cell) => [cell.scrollWidth <= cell.clientWidth, (cell.textContent ?? "").length <= 33])
            )
        )
        assert.deepStrictEqual(
          cells,
          cells.map(() => [true, true])
        )
        const [first] = yield* rowsOf(page, "all-transfers-table")
        assert.match(first?.[0] ?? "", /^….*abcdefghi-0\.bin$/)
        const titles = yield* Effect.promise(() =>
          page
            .locator("#all-transfers-table tbody th")
            .evaluateAll((found) => found.map((cell) => cell.getAttribute("title")))
        )
        assert.deepStrictEqual(titles, names)
      })
    )
  }

  it.scopedLive("draws the ends of long names beside the waterfall", () =>
    Effect.gen(function* () {
      const request = requestTo("http://one.test/x", `out/${"abcdefghi-".repeat(20)}last.bin`)
      const { page } = yield* open([started(request, 0), saved(request, 100, 1)])
      const drawn = yield* Effect.promise(async () => {
        await page.evaluate(`{
          const { fillText } = CanvasRenderingContext2D.prototype
          globalThis.drawn = []
          CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
            globalThis.drawn.push(text)
            fillText.call(this, text, ...place)
          }
        }`)
        await page.locator(".charts").focus()
        await page.keyboard.press("+")
        await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
        return page.evaluate<ReadonlyArray<string>>("globalThis.drawn")
      })
      assert.isTrue(
        drawn.some((text) => /^….*-last\.bin$/.test(text)),
        drawn.join("\n")
      )
    })
  )

  it.scopedLive("fits into a narrow window", () =>
    Effect.gen(function* () {
      const { page } = yield* open(run(60), { width: 360 })
      const width = yield* Effect.promise(() => page.evaluate<number>("document.documentElement.scrollWidth"))
      assert.isAtMost(width, 360)
    })
  )
})
