/**
 * Headless Chromium of the system, for the tests of the report page.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Effect from "effect/Effect"
import { chromium, type Page } from "playwright-core"
import { until } from "./poll.js"
import { temporaryDirectory } from "./program/program.js"

const executable = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path))

export const hasBrowser: boolean = executable !== undefined

/** For the title of a test. */
export const needsBrowser: string = hasBrowser ? "" : " (skipped without /usr/bin/chromium)"

export interface Opened {
  readonly page: Page
  /** Messages of the console, and errors of scripts. */
  readonly problems: ReadonlyArray<string>
  /** The URLs that the page has requested, without the page itself. */
  readonly requests: ReadonlyArray<string>
}

export interface Options {
  readonly colorScheme?: "light" | "dark"
  readonly width?: number
}

/** Opens a file of HTML, and waits for its charts. The browser is closed with the scope. */
export const openFile = (file: string, { colorScheme = "light", width = 1200 }: Options = {}) =>
  Effect.gen(function* () {
    const browser = yield* Effect.acquireRelease(
      Effect.promise(() => chromium.launch({ executablePath: executable ?? "", args: ["--no-sandbox"], timeout: 0 })),
      (launched) => Effect.promise(() => launched.close())
    )
    const problems: Array<string> = []
    const requests: Array<string> = []
    const url = pathToFileURL(file).href
    const page = yield* Effect.promise(async () => {
      const made = await browser.newPage({ colorScheme, viewport: { width, height: 900 } })
      made.setDefaultTimeout(0)
      made.on("console", (message) => problems.push(message.text()))
      made.on("pageerror", (error) => problems.push(error.message))
      made.on("request", (request) => {
        if (request.url() !== url && !request.url().startsWith("data:")) {
          requests.push(request.url())
        }
      })
      await made.goto(url)
      await made.waitForSelector("[data-shapes]", { state: "attached" })
      return made
    })
    return { page, problems, requests } satisfies Opened
  })

/** Opens a text of HTML. */
export const openHtml = (html: string, options?: Options) =>
  Effect.flatMap(temporaryDirectory, (directory) => {
    const file = join(directory, "run.html")
    writeFileSync(file, html)
    return openFile(file, options)
  })

/** The rules of accessibility that the page violates. */
export const violations = (page: Page) =>
  Effect.promise(async () => {
    await page
      .addScriptTag({ path: createRequire(import.meta.url).resolve("axe-core/axe.min.js") })
      .catch(() => undefined)
    return page.evaluate(async () => {
      const axe: unknown = Reflect.get(globalThis, "axe")
      if (typeof axe !== "object" || axe === null) {
        return ["axe is not loaded"]
      }
      const { violations } = await Reflect.get(axe, "run").call(axe)
      return violations.map(
        ({ id, nodes }: { id: string; nodes: ReadonlyArray<{ html: string }> }) => `${id}: ${nodes[0]?.html}`
      )
    })
  })

/** The texts of the cells of a table, row by row. */
export const rowsOf = (page: Page, table: string): Effect.Effect<ReadonlyArray<ReadonlyArray<string>>> =>
  Effect.promise(async () => {
    const rows = await page.locator(`#${table} tbody tr`).all()
    return Promise.all(rows.map((row) => row.locator("th, td").allTextContents()))
  })

/** Opens the developer tools of Chromium for an empty page. The browser is closed with the scope. */
export const openDeveloperTools = Effect.gen(function* () {
  const profile = yield* temporaryDirectory
  const context = yield* Effect.acquireRelease(
    Effect.promise(() =>
      chromium.launchPersistentContext(profile, {
        executablePath: executable ?? "",
        args: ["--no-sandbox", "--remote-debugging-port=0"],
        timeout: 0
      })
    ),
    (launched) => Effect.promise(() => launched.close())
  )
  const file = join(profile, "DevToolsActivePort")
  const port = yield* until(
    "the port of the browser",
    () => (existsSync(file) ? /^\d+(?=\n)/.exec(readFileSync(file, "utf8"))?.[0] : undefined),
    () => file
  )
  return yield* Effect.promise(async () => {
    const inspected = context.pages()[0] ?? (await context.newPage())
    const { targetInfo } = await (await context.newCDPSession(inspected)).send("Target.getTargetInfo")
    const page = await context.newPage()
    page.setDefaultTimeout(0)
    await page.goto(
      `http://127.0.0.1:${port}/devtools/devtools_app.html?ws=127.0.0.1:${port}/devtools/page/${targetInfo.targetId}&panel=network`
    )
    await page.getByText("Preserve log").or(page.getByText("Keep log")).first().waitFor()
    return page
  })
})
