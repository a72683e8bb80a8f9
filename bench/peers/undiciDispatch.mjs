// The least that undici can do: its dispatch, the body in memory, and an asynchronous write and rename.
import { rename, writeFile } from "node:fs/promises"
import { Agent } from "undici"
import { inLoops, job } from "./list.mjs"

const agent = new Agent({ connections: job.connections, pipelining: 1 })
let parts = 0

const body = (url) =>
  new Promise((resolve, reject) => {
    const { origin, pathname } = new URL(url)
    const chunks = []
    let status = 0
    agent.dispatch(
      { origin, path: pathname, method: "GET" },
      {
        onRequestStart() {},
        onResponseStart(_controller, statusCode) {
          status = statusCode
        },
        onResponseData(_controller, chunk) {
          chunks.push(chunk)
        },
        onResponseEnd() {
          if (status === 200) {
            resolve(chunks)
          } else {
            reject(new Error(`status ${status}`))
          }
        },
        onResponseError(_controller, error) {
          reject(error)
        }
      }
    )
  })

await inLoops(async (url) => {
  const destination = job.destination(url)
  const part = `${destination}.${++parts}.part`
  await writeFile(part, await body(url), { flag: "wx" })
  await rename(part, destination)
})
await agent.close()
