import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "@effect/platform"
import { Effect, Schema } from "effect"
import { DownloadError, Downloader, Flags } from "halyard"

const baseUrl = "http://flags.example"

export const fetchFlag = Effect.fn("fetchFlag")(function* (code: string) {
  const downloader = yield* Downloader.Downloader
  return yield* downloader.download(Flags.request(code, { baseUrl, directory: "flags", deadline: "5 seconds" }))
})

const put = HttpApiEndpoint.put("put", "/flags/:code").setPath(Schema.Struct({ code: Flags.Code }))
const group = HttpApiGroup.make("flags").add(put.addError(DownloadError.DownloadError))
export const Api = HttpApi.make("api").add(group)
export const FlagsApi = HttpApiBuilder.group(Api, "flags", (handlers) =>
  handlers.handle("put", ({ path }) => Effect.asVoid(fetchFlag(path.code)))
)
