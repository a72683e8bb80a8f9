// The work of a download without Effect, for B8: undici's dispatch, and the calls on the file system that halyard's store
// makes, by their callbacks. Prints the CPU time of the loop in microseconds.
import { close, open, rename, write } from "node:fs"
import { promisify } from "node:util"
import { Agent } from "undici"
import { inLoops, job } from "./list.mjs"

const [openFile, writeFile, closeFile, renameFile] = [open, write, close, rename].map((call) => promisify(call))
const agent = new Agent({ connections: null })
let parts = 0

const receive = (url, onChunk) =>
  new Promise((resolve, reject) => {
    const { origin, pathname, search } = new URL(url)
    let status = 0
    let written = Promise.resolve()
    agent.dispatch(
      { origin, path: pathname + search, method: "GET" },
      {
        onRequestStart() {},
        onResponseStart(_controller, statusCode) {
          status = statusCode
        },
        onResponseData(_controller, chunk) {
          written = written.then(() => onChunk(chunk))
        },
        onResponseEnd() {
          if (status === 200) {
            resolve(written)
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

const begun = process.cpuUsage()
await inLoops(async (url) => {
  const destination = job.destination(url)
  const part = `${destination}.${++parts}.part`
  const file = await openFile(part, "wx")
  await receive(url, (chunk) => writeFile(file, chunk))
  await closeFile(file)
  await renameFile(part, destination)
})
const { user, system } = process.cpuUsage(begun)
process.stdout.write(`${user + system}\n`)
await agent.close()
