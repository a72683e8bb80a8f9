// The server of the captures: one large file at a limited rate, and a list of 200 files of which some fail.
import { createServer } from "node:http"

const megabyte = 1_000_000
const fileBytes = 16 * megabyte
const bytesPerSecond = megabyte
const files = 200

const content = Buffer.alloc(64 * 1024, "halyard ")

/** Sends a range at a limited rate. */
const send = (request, response, size, brokenAt = -1) => {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "")
  const first = range === null ? 0 : Number(range[1])
  const last = range === null || range[2] === "" ? size - 1 : Math.min(size - 1, Number(range[2]))
  response.writeHead(range === null ? 200 : 206, {
    "content-length": last - first + 1,
    "accept-ranges": "bytes",
    etag: `"${size}"`,
    ...(range === null ? {} : { "content-range": `bytes ${first}-${last}/${size}` })
  })
  if (request.method === "HEAD") {
    response.end()
    return
  }
  let left = last - first + 1
  const step = bytesPerSecond / 20
  const timer = setInterval(() => {
    for (let bytes = Math.min(step, left); bytes > 0; ) {
      const piece = content.subarray(0, Math.min(bytes, content.length))
      response.write(piece)
      bytes -= piece.length
      left -= piece.length
    }
    if (last + 1 - left >= brokenAt && brokenAt >= 0) {
      response.destroy()
    } else if (left === 0) {
      clearInterval(timer)
      response.end()
    }
  }, 50)
  response.on("close", () => clearInterval(timer))
}

export const startOrigin = async () => {
  const turns = new Map()
  let onRequest = () => {}
  const server = createServer((request, response) => {
    onRequest()
    const path = request.url
    const turn = turns.get(path) ?? 0
    turns.set(path, turn + 1)
    if (path === "/disk.iso") {
      send(request, response, fileBytes)
      return
    }
    const index = Number(/^\/photo-(\d+)\.jpg$/.exec(path)?.[1] ?? Number.NaN)
    if (!(index < files) || index % 40 === 7) {
      response.writeHead(404, { "content-length": 0 }).end()
    } else {
      const size = index % 20 === 1 ? 5 * megabyte : 50_000 + ((index * 7919) % 200_000)
      send(request, response, size, index % 30 === 9 && turn === 0 ? size / 2 : -1)
    }
  })
  await new Promise((resolve) => server.listen(8090, "127.0.0.1", resolve))
  const url = `http://127.0.0.1:${server.address().port}`
  return {
    url,
    file: `${url}/disk.iso`,
    list: Array.from({ length: files }, (_, index) => `${url}/photo-${String(index).padStart(3, "0")}.jpg`),
    describeFile: `A file of ${fileBytes / megabyte} MB. The server sends ${bytesPerSecond / megabyte} MB/s on each connection.`,
    describeList: `200 files of 50 kB to 5 MB, 8 at a time. Five of them do not exist (404), and seven break off once in
the middle.`,
    /** Forgets earlier requests, and resolves at the next one. */
    nextRun: () => {
      turns.clear()
      return new Promise((resolve) => {
        onRequest = resolve
      })
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    }
  }
}
