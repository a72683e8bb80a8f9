// A worker thread of this package that ends at once when it is told so by a channel.
import { BroadcastChannel } from "node:worker_threads"

const channel = new BroadcastChannel("halyard-test-mortal")
channel.unref()
channel.onmessage = () => process.exit(1)
await import("../../dist/Node/worker.js")
