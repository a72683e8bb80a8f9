// The screens in README.md: three files, of which one breaks off once and one is missing.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { start } from "./terminal.mjs"

const size = 20_000_000
const brokenAt = 12_000_000
const host = "http://files.example"

const listen = () => {
  let isFirst = true
  const server = createServer((request, response) => {
    if (request.url === "/old.zip") {
      response.writeHead(404, { "content-length": 0 }).end()
      return
    }
    if (request.url === "/notes.pdf") {
      response.writeHead(200, { "content-length": 40_000, etag: '"2"' }).end(Buffer.alloc(40_000))
      return
    }
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0)
    const end = isFirst ? brokenAt : size
    isFirst = false
    response.writeHead(from === 0 ? 200 : 206, {
      "content-length": size - from,
      "accept-ranges": "bytes",
      etag: '"1"',
      ...(from === 0 ? {} : { "content-range": `bytes ${from}-${size - 1}/${size}` })
    })
    let sent = from
    // Slow enough for rows with a rate, and too fast for several connections.
    const timer = setInterval(() => {
      const bytes = Math.min(500_000, end - sent)
      sent += bytes
      response.write(Buffer.alloc(bytes))
      if (sent === size) {
        response.end()
      } else if (sent === end) {
        response.write("", () => response.destroy())
      }
    }, 20)
    response.on("close", () => clearInterval(timer))
  })
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)))
}

const between = (text, marker, content) => {
  const begin = `<!-- ${marker} -->\n`
  const from = text.indexOf(begin)
  const to = text.indexOf("```\n", text.indexOf("```", from) + 3)
  if (from === -1 || to === -1) {
    throw new Error(`README.md has no ${begin}`)
  }
  return `${text.slice(0, from)}${begin}${content}\n${text.slice(to)}`
}

/** Writes the screens of a run between their markers. */
export const writeReadme = async (bin, readme, work) => {
  const server = await listen()
  const url = `http://127.0.0.1:${server.address().port}`
  const cwd = join(work, "readme")
  rmSync(cwd, { recursive: true, force: true })
  mkdirSync(cwd)
  const urls = ["disk.iso", "notes.pdf", "old.zip"].map((name) => `${url}/${name}`)
  const terminal = start([process.execPath, bin, "get", ...urls, "-d", "files"], 110, cwd)
  const isRetried = (rows) =>
    rows.some((row) => /^disk\.iso {2}retry in/.test(row)) && rows.some((row) => /^2\/3 /.test(row))
  const during = (await terminal.rowsWhen(isRetried)).slice(-2)
  await terminal.ended
  const after = (await terminal.rows()).join("\n").replaceAll(url, host)
  terminal.close()
  server.closeAllConnections()
  server.close()
  rmSync(cwd, { recursive: true, force: true })
  const command = `$ halyard get ${urls.map((one) => one.replace(url, host)).join(" ")} -d files`
  let text = readFileSync(readme, "utf8")
  text = between(text, "the end of a run: bench/captures/readme.mjs", `\`\`\`console\n${command}\n${after}`)
  text = between(text, "the rows of a run: bench/captures/readme.mjs", `\`\`\`text\n${during.join("\n")}`)
  writeFileSync(readme, text)
}
