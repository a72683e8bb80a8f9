/**
 * The report page in a browser.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Connection, HttpStatus } from "../../src/DownloadError.js"
import { hasBrowser, needsBrowser, openHtml, rowsOf, violations } from "../support/browser.js"
import {
  blocked,
  brokenOff,
  cancelled,
  exchanged,
  failed,
  requestTo,
  run,
  saved,
  started
} from "../support/recorded/recordedRun.js"
import { htmlOf, open } from "../support/recorded/reportPage.js"

describe.skipIf(!hasBrowser)(`the report page${needsBrowser}`, () => {
  it.scopedLive("answers what happened, what failed, and how often it was tried, as text", () =>
    Effect.gen(function* () {
      const { page, problems, requests } = yield* open(run(60))
      const text = (selector: string) => Effect.promise(() => page.locator(selector).innerText())
      assert.strictEqual(yield* text("h1"), "6 of 60 files failed")
      assert.include(yield* text("dl.facts"), "requests at a time\n9")
      assert.include(yield* text("#what-failed"), "6\nHTTP error 404 - Not Found · phase: response")
      assert.include(yield* text("#outcomes"), "54 saved (90 %)")
      assert.include(yield* text("#where-time-went"), "transfers waited before the next attempt")
      const failures = yield* rowsOf(page, "failed-files-table")
      assert.deepStrictEqual(
        failures.map(([name, reason, phase, retries]) => [name, reason, phase, retries]),
        [9, 19, 29, 39, 49, 59].map((index) => [`file-${index}.bin`, "HTTP error 404 - Not Found", "response", "0"])
      )
      const slowest = yield* rowsOf(page, "slowest-files-table")
      assert.deepStrictEqual(slowest[0]?.slice(0, 9), [
        "file-6.bin",
        "saved",
        "645 ms",
        "10 ms",
        "10 ms",
        "40 ms",
        "80 ms",
        "500 ms",
        "1"
      ])
      const headings = yield* Effect.promise(() => page.getByRole("heading").allTextContents())
      assert.includeMembers(headings, ["What failed", "The run over time", "Failed", "Slowest", "All transfers"])
      assert.deepStrictEqual(problems, [])
      assert.deepStrictEqual(requests, [])
    })
  )

  it.scopedLive("tells how many bytes of unfinished files were kept and discarded", () =>
    Effect.gen(function* () {
      const requests = ["a", "b", "c"].map((name) => requestTo(`http://one.test/${name}`, name))
      const left = [
        { keptBytes: 3_000_000 },
        { discarded: { bytes: 200_000, reason: "no-ranges" } },
        { discarded: { bytes: 100_000, reason: "no-ranges" } }
      ] as const
      const events = requests.flatMap((request, index) => [
        started(request, 0),
        failed(request, 10, brokenOff(request, 1000), left[index])
      ])
      const { page } = yield* openHtml(htmlOf(events))
      const sentences = yield* Effect.promise(() => page.locator("#head .leftovers").allInnerTexts())
      assert.deepStrictEqual(sentences, [
        "1 unfinished part of 3.0 MB is kept: the same command continues it",
        "300.0 kB of 2 unfinished files were discarded, because the servers do not send parts of files"
      ])
    })
  )

  it.scopedLive("tells cancelled transfers from files that were not started", () =>
    Effect.gen(function* () {
      const [a, b, c] = ["a", "b", "c"].map((name) => requestTo(`http://one.test/${name}`, name))
      assert.isDefined(a)
      assert.isDefined(b)
      assert.isDefined(c)
      const events = [started(a, 0), started(b, 0), saved(a, 100, 1), cancelled(b, 200), cancelled(c, 200, 0)]
      const { page } = yield* openHtml(htmlOf(events, { expected: 10 }))
      const text = (selector: string) => Effect.promise(() => page.locator(selector).innerText())
      assert.strictEqual(yield* text("h1"), "The run was stopped after 1 of 10 files")
      assert.include(yield* text("dl.facts"), "cancelled\n1\nnot started\n8\n")
      assert.include(yield* text("#outcomes"), "8 not started (80 %)")
      assert.include(yield* text("#transfers"), "7 files of 10 were not started, and have no row.")
      assert.notInclude(yield* text("#transfers"), "in the sums only")
      assert.deepStrictEqual(
        (yield* rowsOf(page, "all-transfers-table")).map(([name, outcome]) => [name, outcome]),
        [
          ["a", "saved"],
          ["b", "cancelled"],
          ["c", "not started"]
        ]
      )
    })
  )

  it.scopedLive("pages and filters its table of all transfers", () =>
    Effect.gen(function* () {
      const { page } = yield* open(run(60))
      assert.strictEqual((yield* rowsOf(page, "all-transfers-table")).length, 25)
      yield* Effect.promise(() => page.getByRole("button", { name: "Next rows of: Transfers" }).click())
      assert.strictEqual((yield* rowsOf(page, "all-transfers-table"))[0]?.[0], "file-25.bin")
      yield* Effect.promise(() => page.locator("#all-transfers-filter").fill("FILE-42"))
      assert.deepStrictEqual(
        (yield* rowsOf(page, "all-transfers-table")).map(([name]) => name),
        ["file-42.bin"]
      )
    })
  )

  it.scopedLive("zooms, moves and shows a transfer by the keyboard alone", () =>
    Effect.gen(function* () {
      const { page, problems } = yield* open(run(300))
      const status = () => Effect.promise(() => page.locator("#chart-status").innerText())
      const press = (key: string) => Effect.promise(() => page.keyboard.press(key))
      const whole = yield* status()
      assert.match(whole, /^Shown: 0 ms to .*, transfers 1 to 300 of 300 in this time/)
      yield* Effect.promise(() => page.getByRole("group", { name: "Charts of the run over time" }).focus())
      yield* press("+")
      const zoomed = yield* status()
      assert.notStrictEqual(zoomed, whole)
      assert.notMatch(zoomed, /of 300/)
      yield* press("ArrowRight")
      assert.notStrictEqual(yield* status(), zoomed)
      yield* press("n")
      assert.match(yield* Effect.promise(() => page.locator("#details h3").innerText()), /^file-\d+\.bin$/)
      yield* press("0")
      assert.strictEqual(yield* status(), whole)
      yield* Effect.promise(() => page.getByRole("button", { name: "Zoom in" }).click())
      assert.notStrictEqual(yield* status(), whole)
      assert.deepStrictEqual(problems, [])
    })
  )

  it.scopedLive("says why transfers wait for a permit", () =>
    Effect.gen(function* () {
      const { page } = yield* open(run(20))
      assert.include(
        yield* Effect.promise(() => page.locator("#over-time").innerText()),
        "wait for a permit: the transfer waits because of -c, --per-origin, --rate, a pause of the origin"
      )
      const long = requestTo("http://slow.test/long.bin", "out/long.bin")
      const held = [
        started(long, 0),
        blocked(long, 1000, "overload", 2),
        exchanged(long, { at: 9000, blocked: 8000, wait: 1000, status: 200 }),
        saved(long, 9000, 1)
      ]
      const { page: other } = yield* open(held)
      const sentence = "slow.test was overloaded, so its limit was lowered (2 at a time)"
      assert.include(
        yield* Effect.promise(() => other.locator("#where-time-went").innerText()),
        `Why transfers waited\n1\n${sentence}`
      )
      yield* Effect.promise(() => other.locator("#all-transfers-table").getByText("long.bin").click())
      assert.include(yield* Effect.promise(() => other.locator("#details").innerText()), `waited: ${sentence}`)
    })
  )

  it.scopedLive("zooms by a drag over the charts", () =>
    Effect.gen(function* () {
      const { page } = yield* open(run(100))
      const status = () => Effect.promise(() => page.locator("#chart-status").innerText())
      const whole = yield* status()
      yield* Effect.promise(async () => {
        const over = page.locator(".u-over").first()
        await over.scrollIntoViewIfNeeded()
        const box = await over.boundingBox()
        const [x, y] = [(box?.x ?? 0) + 100, (box?.y ?? 0) + 20]
        await page.mouse.move(x, y)
        await page.mouse.down()
        await page.mouse.move(x + 200, y + 20, { steps: 4 })
        await page.mouse.up()
      })
      assert.notStrictEqual(yield* status(), whole)
    })
  )

  it.scopedLive("shows the details of a failed transfer from its table", () =>
    Effect.gen(function* () {
      const { page } = yield* open(run(60))
      yield* Effect.promise(() => page.locator("#failed").getByRole("button", { name: "file-19.bin" }).click())
      const details = yield* Effect.promise(() => page.locator("#details").innerText())
      assert.include(details, "HTTP error 404 - Not Found (phase: response)")
      assert.include(details, "http://origin1.test/file-19.bin")
      const requests = yield* rowsOf(page, "requests-table")
      assert.strictEqual(requests[0]?.[9], "404")
    })
  )

  for (const colorScheme of ["light", "dark"] as const) {
    it.scopedLive(`violates no rule of axe, ${colorScheme}`, () =>
      Effect.gen(function* () {
        const source = `data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==`
        // The policy of the page permits no script but its own, so the script of axe needs a page without it.
        const html = htmlOf(run(60), { pictures: [{ transfer: 0, source }] }).replace(
          /<meta http-equiv="Content-Security-Policy"[^>]*>/,
          ""
        )
        const { page } = yield* openHtml(html, { colorScheme })
        yield* Effect.promise(() => page.locator("#failed").getByRole("button", { name: "file-19.bin" }).click())
        assert.deepStrictEqual(yield* violations(page), [])
      })
    )
  }

  it.scopedLive("shows hostile names and errors as text, and loads nothing", () =>
    Effect.gen(function* () {
      const name = `</script><img src=x onerror="alert(1)"><!--\u2028\u2029\u202egpj.exe`
      const request = requestTo(`http://evil.test/${name}`, `out/${name}`)
      const error = new Connection({
        url: request.url,
        reason: "reset",
        receivedBytes: 0,
        detail: `</script><b>${name}</b>`
      })
      const fine = requestTo("http://evil.test/fine", `out/<iframe src="http://evil.test/frame">`)
      const { page, problems, requests } = yield* open([
        started(request, 0),
        started(fine, 0),
        exchanged(request, { at: 5, wait: 5, error }),
        failed(request, 5, error),
        exchanged(fine, { at: 50, wait: 5, receive: 45, status: 200 }),
        saved(fine, 50, 1)
      ])
      assert.strictEqual(yield* Effect.promise(() => page.locator("img, iframe, b").count()), 0)
      const [row] = yield* rowsOf(page, "failed-files-table")
      assert.include(row?.[1], "</script><b>")
      assert.strictEqual(yield* Effect.promise(() => page.evaluate("document.scripts.length")), 2)
      assert.deepStrictEqual(problems, [])
      assert.deepStrictEqual(requests, [])
    })
  )

  it.scopedLive("draws a bounded number of shapes and elements for any number of transfers", () =>
    Effect.gen(function* () {
      const countsOf = (files: number) =>
        Effect.scoped(
          Effect.gen(function* () {
            const { page, problems } = yield* open(run(files))
            const counts: Array<number> = []
            for (const key of ["", "+", "+", "Shift+_", "ArrowDown", "0"]) {
              yield* Effect.promise(async () => {
                await page.locator(".charts").focus()
                await (key === "" ? Promise.resolve() : page.keyboard.press(key))
                await page.evaluate(
                  "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"
                )
              })
              counts.push(
                yield* Effect.promise(async () => Number(await page.locator(".charts").getAttribute("data-shapes")))
              )
            }
            assert.deepStrictEqual(problems, [])
            const elements = yield* Effect.promise(() => page.locator("*").count())
            return { shapes: Math.max(...counts), least: Math.min(...counts), elements }
          })
        )
      const small = yield* countsOf(300)
      const large = yield* countsOf(10_000)
      const huge = yield* countsOf(100_000)
      for (const { elements, least, shapes } of [large, huge]) {
        assert.isAbove(least, 0)
        assert.isBelow(shapes, 20_000)
        assert.isAtMost(elements, small.elements + 100)
      }
    })
  )

  it.scopedLive("names the ninth kind of failures, and counts the kinds after the eighth if there are more", () =>
    Effect.gen(function* () {
      const kindsOf = (kinds: number) =>
        Effect.scoped(
          Effect.gen(function* () {
            const events = Array.from({ length: kinds }, (_, index) => {
              const request = requestTo(`http://one.test/${index}`, `${index}`)
              return [
                started(request, 0),
                failed(request, 1, new HttpStatus({ url: request.url, status: 410 + index }))
              ]
            })
            const { page } = yield* open(events.flat())
            const items = yield* Effect.promise(() => page.locator("#what-failed li").count())
            const others = yield* Effect.promise(() => page.locator("#what-failed > p.muted").allInnerTexts())
            return [items, ...others]
          })
        )
      assert.deepStrictEqual(yield* kindsOf(8), [8])
      assert.deepStrictEqual(yield* kindsOf(9), [9])
      assert.deepStrictEqual(yield* kindsOf(10), [8, "and 2 other kinds"])
    })
  )

  it.scopedLive("shows percentages that add up to 100", () =>
    Effect.gen(function* () {
      const request = requestTo("http://one.test/a", "a")
      const { page } = yield* open([
        started(request, 0),
        exchanged(request, { at: 2000, blocked: 1, lookup: 670, connect: 670, wait: 659 }),
        saved(request, 2000, 1)
      ])
      assert.deepStrictEqual(yield* Effect.promise(() => page.locator("#where-time-went li").allInnerTexts()), [
        "wait for a permit < 1 % (1 ms)",
        "name look-up 34 % (670 ms)",
        "connect 33 % (670 ms)",
        "first byte 33 % (659 ms)"
      ])
    })
  )
})
