// An origin in this process that counts its requests and the bytes of its bodies. It knows entity tags, dates and ranges, and can
// cut connections in the middle of a body.
import { createServer } from "node:http"

const dateOf = (seconds) => new Date(seconds * 1000).toUTCString()

/** `files` is a map from path to `{ bytes, version }`. A higher version is a later one. */
export const startCountingOrigin = async (files) => {
  const counts = { requests: 0, bodyBytes: 0 }
  let cutAfterBytes = () => Number.POSITIVE_INFINITY
  let onBytes = () => {}
  const sockets = new Set()
  const answer = (request, response) => {
    counts.requests++
    const file = files.get(request.url)
    if (file === undefined) {
      response.writeHead(404, { "content-length": 0 }).end()
      return
    }
    const { bytes, version } = file
    const etag = `"${request.url.length}-${version}"`
    const lastModified = dateOf(1_700_000_000 + version * 3600)
    const { headers } = request
    const common = { etag, "last-modified": lastModified, "accept-ranges": "bytes" }
    const since = headers["if-modified-since"]
    const isSame =
      headers["if-none-match"] === undefined
        ? since !== undefined && Date.parse(since) >= Date.parse(lastModified)
        : headers["if-none-match"] === etag
    if (isSame) {
      response.writeHead(304, common).end()
      return
    }
    const condition = headers["if-range"]
    const range =
      condition === undefined || condition === etag || condition === lastModified
        ? /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "")
        : null
    const from = Number(range?.[1] ?? 0)
    const to = Math.min(Number(range?.[2] || bytes.length - 1), bytes.length - 1)
    if (range !== null && from > to) {
      response.writeHead(416, { ...common, "content-range": `bytes */${bytes.length}`, "content-length": 0 }).end()
      return
    }
    const length = to - from + 1
    response.writeHead(range === null ? 200 : 206, {
      ...common,
      "content-type": "application/octet-stream",
      "content-length": length,
      ...(range === null ? {} : { "content-range": `bytes ${from}-${to}/${bytes.length}` })
    })
    if (request.method === "HEAD") {
      response.end()
      return
    }
    send(response, bytes.subarray(from, to + 1), cutAfterBytes())
  }
  // In blocks, slower than a client reads. Otherwise megabytes that a killed client has not received would wait in the system and be
  // counted.
  const send = (response, body, cutBytes) => {
    const blockBytes = 64 * 1024
    let sent = 0
    const next = () => {
      if (response.destroyed) {
        return
      }
      if (sent >= body.length) {
        response.end()
        return
      }
      if (sent >= cutBytes) {
        response.socket?.destroy()
        return
      }
      const block = body.subarray(sent, sent + Math.min(blockBytes, cutBytes - sent))
      sent += block.length
      response.write(block, (error) => {
        if (!error) {
          counts.bodyBytes += block.length
          onBytes(counts.bodyBytes)
          // Real time, because the program that is measured is another process.
          setTimeout(next, 1)
        }
      })
    }
    next()
  }
  const server = createServer(answer)
  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
  })
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** The counts since the last call. */
    take: () => {
      const taken = { ...counts }
      counts.requests = 0
      counts.bodyBytes = 0
      return taken
    },
    /** Cuts each response after the number of bytes that `next` returns. */
    cut: (next) => {
      cutAfterBytes = next
    },
    /** Calls `listener` with the count of bytes of bodies, whenever it grows. */
    listen: (listener) => {
      onBytes = listener
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve)
        for (const socket of sockets) {
          socket.destroy()
        }
      })
  }
}
