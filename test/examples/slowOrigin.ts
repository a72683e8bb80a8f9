import { NodeFileSystem } from "@effect/platform-node"
import { Layer } from "effect"
import { Downloader, FlagServer, HttpClientTransport, MemoryStore, RetryPolicy } from "halyard"
import { flagsDirectory } from "halyard/Node"

const client = FlagServer.layerClient({
  directory: flagsDirectory(),
  delay: { min: "1 minute", max: "1 minute" }
}).pipe(Layer.provide(NodeFileSystem.layer))

export const slowOrigin = Downloader.layerWith({ retry: RetryPolicy.none }).pipe(
  Layer.provide(HttpClientTransport.layer),
  Layer.provide(client),
  Layer.provideMerge(MemoryStore.layer)
)
