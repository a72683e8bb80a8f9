// What most write with undici: the body as a stream into a file, and a rename.
import { createWriteStream } from "node:fs"
import { rename } from "node:fs/promises"
import { pipeline } from "node:stream/promises"
import { Agent, request } from "undici"
import { inLoops, job } from "./list.mjs"

const dispatcher = new Agent({ connections: job.connections })

await inLoops(async (url) => {
  const destination = job.destination(url)
  const { statusCode, body } = await request(url, { dispatcher })
  if (statusCode !== 200) {
    throw new Error(`status ${statusCode}`)
  }
  await pipeline(body, createWriteStream(`${destination}.part`, { flags: "wx" }))
  await rename(`${destination}.part`, destination)
})
await dispatcher.close()
