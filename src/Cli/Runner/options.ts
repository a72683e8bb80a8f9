/**
 * The options of `halyard runner`.
 */
import * as Duration from "effect/Duration"
import { database } from "../Batch/options.js"
import * as Transfer from "../Batch/transferOptions.js"
import { integer, nonEmpty, seconds, withDefault } from "../commandLine/Option.js"

const input = { database }

const fleet = {
  host: withDefault(nonEmpty("--host ADDRESS", "Where runners reach it (default 127.0.0.1)"), "127.0.0.1"),
  port: withDefault(integer("--port PORT", "Port for other runners (default 7410)", 1, 65_535), 7410),
  listen: nonEmpty("--listen ADDRESS", "Address to listen on (default: that of --host)"),
  healthPort: integer("--health-port PORT", "Answer GET /health on this port", 1, 65_535)
}

const shards = {
  shardsAtOnce: withDefault(integer("--shards-at-once N", "Shards at a time (default 4)", 1, 1000), 4),
  drain: withDefault(seconds("--drain SECONDS", "Maximum time to stop by a signal (default 20)"), Duration.seconds(20))
}

export const own = { ...input, ...fleet, ...shards }

export const groups = {
  Input: input,
  Output: Transfer.output,
  Network: { ...fleet, ...Transfer.network },
  Behaviour: { ...shards, ...Transfer.behaviour }
}

export const options = { ...own, ...Transfer.all }
