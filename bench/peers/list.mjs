// What the peers that are programs of ours are told: LIST DIRECTORY CONNECTIONS CONNECTIONS-PER-FILE.
import { readFileSync } from "node:fs"
import { join } from "node:path"

const [list, directory, connections, connectionsPerFile] = process.argv.slice(2)

export const job = {
  urls: readFileSync(list, "utf8").trimEnd().split("\n"),
  connections: Number(connections),
  connectionsPerFile: Number(connectionsPerFile),
  destination: (url) => join(directory, url.slice(url.lastIndexOf("/") + 1)),
  directory
}

/** As many loops as connections, on one cursor. */
export const inLoops = async (fetchOne) => {
  const left = job.urls.values()
  const loop = async () => {
    for (const url of left) {
      await fetchOne(url)
    }
  }
  await Promise.all(Array.from({ length: job.connections }, loop))
}
