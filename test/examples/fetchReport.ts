import { Effect } from "effect"
import { Download, Downloader } from "halyard"
import * as Node from "halyard/Node"

export const fetchReport = Effect.gen(function* () {
  const downloader = yield* Downloader.Downloader
  const request = Download.request({ url: "https://files.example/report.pdf", destination: "report.pdf" })
  return yield* downloader.download(request)
})

export const main = Effect.provide(fetchReport, Node.layer)
