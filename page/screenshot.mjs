// Makes docs/report.png: the report of a real run against two servers of this script, one of which is faulty. Needs Chromium.
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { chromium } from "playwright-core"

const root = fileURLToPath(new URL("../", import.meta.url))
const directory = mkdtempSync(join(tmpdir(), "halyard-screenshot-"))
const content = Buffer.alloc(120_000)

/** Sends a file in pieces. */
const send = (response, pauseMillis) => {
  response.writeHead(200, { "content-length": content.length, etag: '"1"', "accept-ranges": "bytes" })
  let sent = 0
  const timer = setInterval(() => {
    response.write(content.subarray(sent, sent + 20_000))
    sent += 20_000
    if (sent >= content.length) {
      clearInterval(timer)
      response.end()
    }
  }, pauseMillis)
}

const turns = new Map()

const answer = (isFaulty) => (request, response) => {
  const index = Number(/\d+/.exec(request.url)?.[0])
  const turn = turns.get(request.url) ?? 0
  turns.set(request.url, turn + 1)
  if (isFaulty && index % 9 === 5) {
    response.writeHead(404).end()
  } else if (isFaulty && index % 7 === 2 && turn === 0) {
    response.writeHead(200, { "content-length": content.length, etag: '"1"' })
    response.write(content.subarray(0, 30_000))
    setTimeout(() => request.socket.destroy(), 120)
  } else {
    setTimeout(() => send(response, 15 + (index % 5) * 15), 40 + (index % 6) * 45)
  }
}

const listen = (isFaulty) =>
  new Promise((resolve) => {
    const server = createServer(answer(isFaulty))
    server.listen(0, "127.0.0.1", () => resolve(server))
  })

const servers = [await listen(false), await listen(true)]
const urls = Array.from(
  { length: 26 },
  (_, index) => `http://127.0.0.1:${servers[index % 3 === 2 ? 1 : 0].address().port}/part-${index}.bin`
)
writeFileSync(`${directory}/urls`, urls.join("\n"))
await new Promise((resolve) => {
  const parameters = ["get", "-i", "urls", "-d", "files", "-c", "6", "--report", "run.html"]
  spawn(process.execPath, [`${root}dist/bin.cjs`, ...parameters], { cwd: directory }).on("exit", resolve)
})
for (const server of servers) {
  server.close()
}

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] })
const page = await browser.newPage({ colorScheme: "light", viewport: { width: 1120, height: 1500 } })
await page.goto(pathToFileURL(`${directory}/run.html`).href)
await page.waitForSelector("[data-shapes]")
await page.screenshot({ path: `${root}docs/report.png` })
await browser.close()
rmSync(directory, { recursive: true })
process.stdout.write(`docs/report.png: ${statSync(`${root}docs/report.png`).size} bytes\n`)
process.exit()
