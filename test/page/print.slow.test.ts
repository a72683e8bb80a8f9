/**
 * The report page on paper.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Page } from "playwright-core"
import { hasBrowser, needsBrowser } from "../support/browser.js"
import { brokenOff, exchanged, failed, requestTo, run, started } from "../support/recorded/recordedRun.js"
import { open } from "../support/recorded/reportPage.js"

/** A4 without margins of 12 mm, in pixels. */
const paperWidth = Math.floor((210 - 24) * (96 / 25.4))

/** Lays the page out as for a printer. */
const print = (page: Page) =>
  Effect.promise(async () => {
    await page.evaluate(`dispatchEvent(new Event("beforeprint")) && undefined`)
    await page.emulateMedia({ media: "print" })
    await page.setViewportSize({ width: paperWidth, height: 1000 })
    await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
  })

describe.skipIf(!hasBrowser)(`the printed report page${needsBrowser}`, () => {
  for (const colorScheme of ["light", "dark"] as const) {
    it.scopedLive(`has light colours on A4, and cuts nothing off, ${colorScheme}`, () =>
      Effect.gen(function* () {
        const { page, problems } = yield* open(run(60), { colorScheme })
        // Texts, because the tests have no types of the browser.
        const evaluate = (script: string): Effect.Effect<unknown> => Effect.promise(() => page.evaluate(script))
        const widestChart = Effect.map(
          evaluate(`Math.max(...Array.from(document.querySelectorAll(".charts canvas"), (one) => one.clientWidth))`),
          Number
        )
        const tell = (event: string) => evaluate(`dispatchEvent(new Event("${event}")) && undefined`)
        const before = yield* widestChart
        assert.isAbove(before, 1000)
        yield* tell("beforeprint")
        assert.isAtMost(yield* widestChart, paperWidth)
        yield* tell("afterprint")
        assert.strictEqual(yield* widestChart, before)
        yield* print(page)
        const found = yield* evaluate(`({
          isCut: document.documentElement.scrollWidth > document.documentElement.clientWidth,
          background: getComputedStyle(document.body).backgroundColor,
          color: getComputedStyle(document.body).color,
          adjust: getComputedStyle(document.querySelector("[data-color=saved]")).getPropertyValue("print-color-adjust"),
          hasButtons: Array.from(document.querySelectorAll("button:not(.link)")).some((one) => one.checkVisibility())
        })`)
        assert.deepStrictEqual(found, {
          isCut: false,
          background: "rgb(255, 255, 255)",
          color: "rgb(27, 31, 36)",
          adjust: "exact",
          hasButtons: false
        })
        assert.deepStrictEqual(problems, [])
      })
    )
  }

  for (const [paper, heightMillimetres] of [
    ["A4", 297],
    ["US letter", 279.4]
  ] as const) {
    it.scopedLive(`has its charts on one page of ${paper}, with their heading and their legend`, () =>
      Effect.gen(function* () {
        const { page } = yield* open(run(200))
        yield* print(page)
        // Columns of the height of a page are divided by the same rules as pages.
        const places = yield* Effect.promise(() =>
          page.evaluate<ReadonlyArray<readonly [string, number]>>(`{
            Object.assign(document.body.style, {
              columnWidth: "${paperWidth}px",
              columnFill: "auto",
              columnGap: "0",
              width: "${paperWidth}px",
              height: "${Math.floor((heightMillimetres - 24) * (96 / 25.4))}px"
            })
            Array.from(document.querySelectorAll("#over-time h2, .chart-title, .u-wrap, #over-time .legend"), (one) => [
              one.className || one.tagName,
              Math.floor((one.getBoundingClientRect().left + scrollX) / ${paperWidth})
            ])
          }`)
        )
        assert.strictEqual(places.length, 10)
        assert.deepStrictEqual(
          places.filter(([, column]) => column !== places[0]?.[1]),
          []
        )
        // They do not fit below the summary.
        assert.isAtLeast(places[0]?.[1] ?? 0, 1)
      })
    )
  }

  it.scopedLive("does not break a port, and breaks a long host before it", () =>
    Effect.gen(function* () {
      const hosts = ["127.0.0.1:40123", `${"mirror.".repeat(4)}test:41001`]
      const events = hosts.flatMap((host, index) => {
        const request = requestTo(`http://${host}/${index}`, `out/${index}`)
        const error = brokenOff(request, 123_456_789)
        const phases = { blocked: 1200, lookup: 1100, connect: 9000, wait: 11_000, receive: 24_500 }
        return [
          started(request, 0),
          exchanged(request, { at: 46_800, ...phases, bytes: 123_456_789, error }),
          failed(request, 46_800, error)
        ]
      })
      const { page } = yield* open(events)
      yield* print(page)
      const lines = (selector: string) =>
        Effect.promise(() =>
          page
            .locator(selector)
            .evaluateAll((found) => found.map((one) => [one.textContent, one.getClientRects().length]))
        )
      const ports = yield* lines("td.origin .port")
      assert.deepStrictEqual(new Set(ports.map(([text]) => text)), new Set([":40123", ":41001"]))
      assert.deepStrictEqual(
        ports.filter(([, count]) => count !== 1),
        []
      )
      const tops = yield* Effect.promise(() =>
        page.evaluate<ReadonlyArray<number>>(`Array.from(document.querySelectorAll("td.origin"), (cell) => {
          const range = document.createRange()
          range.selectNodeContents(cell)
          return new Set(Array.from(range.getClientRects(), ({ top }) => top)).size
        })`)
      )
      const texts = (yield* lines("td.origin")).map(([text]) => text)
      assert.deepStrictEqual(
        texts.filter((text, index) => text === "127.0.0.1:40123" && tops[index] !== 1),
        []
      )
      assert.include(texts, "127.0.0.1:40123")
    })
  )
})
