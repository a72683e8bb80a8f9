/**
 * The archive of `--har` in the network panel of Chromium, whose developer tools run as a page.
 */
import { existsSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { hasBrowser, needsBrowser, openDeveloperTools } from "../../../support/browser.js"
import { get } from "../../../support/program/get.js"
import { http } from "../../../support/servers/loopback.js"

describe.skipIf(!hasBrowser)(`--har of halyard get${needsBrowser}`, () => {
  it.scopedLive("opens in the network panel of Chromium, with each request, its status and its size", () =>
    Effect.gen(function* () {
      const { url } = yield* http((request, response) => {
        if (request.url === "/missing") {
          response.writeHead(404).end()
        } else if (request.url === "/moved") {
          response.writeHead(302, { location: "/large.bin" }).end()
        } else {
          response.end(Buffer.alloc(5000))
        }
      })
      const urls = ["small.txt", "missing", "moved"].map((path) => `${url}/${path}`)
      const { cwd } = yield* get([...urls, "http://127.0.0.1:1/refused", "-c1", "--retries=0", "--har", "run.har"])
      assert.isTrue(existsSync(`${cwd}/run.har`))
      const tools = yield* openDeveloperTools
      // Text, because the tests have no types of the browser. The panel imports a file as its button does.
      const script = `(async () => {
        const { NetworkPanel } = await import("./panels/network/network.js")
        const panel = NetworkPanel.NetworkPanel.instance()
        await panel.networkLogView.onLoadFromFile(new File([${JSON.stringify(readFileSync(`${cwd}/run.har`, "utf8"))}], "run.har"))
      })()`
      yield* Effect.promise(() => tools.evaluate(script))
      const rows = Effect.promise(async () => {
        await tools.getByText("5 requests").first().waitFor()
        const found = await tools.locator("tr").allInnerTexts()
        return found
          .map((row) => row.split("\t").map((cell) => cell.replaceAll("\u00a0", " ").trim()))
          .filter(([name]) => name !== undefined && name !== "")
      })
      const shown = (yield* rows).map(([name, status, , , size]) => [name, status, size])
      assert.includeDeepMembers(shown, [
        ["small.txt", "200", "5.0 kB"],
        ["missing", "404", "0.0 kB"],
        ["moved", "302", "0.0 kB"],
        ["large.bin", "200", "5.0 kB"],
        // The panel has no status for a request without a response.
        ["refused", "Finished", "0.0 kB"]
      ])
    })
  )
})
