import { Effect } from "effect"
import { CookieJar, Download, Downloader } from "halyard"

/** Logs in, and downloads with the cookies that the server has set. */
export const statement = Effect.gen(function* () {
  const downloader = yield* Downloader.Downloader
  yield* downloader.bytes({ url: "https://bank.example/login", body: "user=ada&password=secret", limitBytes: 4096 })
  const request = Download.request({ url: "https://bank.example/statement.pdf", destination: "statement.pdf" })
  return yield* downloader.download(request)
}).pipe(Effect.provide(CookieJar.layer))
