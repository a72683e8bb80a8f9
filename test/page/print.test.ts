/**
 * The report page on paper.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { hasBrowser, needsBrowser } from "../support/browser.js"
import { run } from "../support/recordedRun.js"
import { open } from "../support/reportPage.js"

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
        // A4 without margins of 12 mm.
        const paper = (210 - 24) * (96 / 25.4)
        assert.isAtMost(yield* widestChart, paper)
        yield* tell("afterprint")
        assert.strictEqual(yield* widestChart, before)
        yield* Effect.promise(() => page.emulateMedia({ media: "print" }))
        yield* Effect.promise(() => page.setViewportSize({ width: Math.floor(paper), height: 1000 }))
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
})
