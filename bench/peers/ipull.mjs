// ipull by its library, one engine for each file: its command shows progress bars and takes no list.
import { basename } from "node:path"
import { downloadFile } from "ipull"
import { inLoops, job } from "./list.mjs"

await inLoops(async (url) => {
  const engine = await downloadFile({
    url,
    directory: job.directory,
    fileName: basename(job.destination(url)),
    parallelStreams: job.connectionsPerFile,
    cliProgress: false
  })
  await engine.download()
})
// Its timers would keep the process alive.
process.exit()
