/**
 * The options of `halyard flags`, in the groups of its help. Most of them are those of `flags2` in the chapter.
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import type * as FlagServer from "../../FlagServer.js"
import { choice, flag, integer, nonEmpty, not, seconds, text, type Values, withDefault } from "../commandLine/Option.js"
import * as BucketUrl from "../run/bucketUrl.js"
import { progressOption } from "../run/display.js"
import { telemetryOptions } from "../telemetry.js"

/** The engines, with the default and the maximum of their concurrency. */
export const engines: {
  readonly [name in "sequential" | "threads" | "fibers"]: { readonly concurrency: number; readonly maximum: number }
} = {
  sequential: { concurrency: 1, maximum: 1 },
  // Each connection has its own worker thread, which takes about 30 MB.
  threads: { concurrency: 30, maximum: 30 },
  fibers: { concurrency: 5, maximum: 1000 }
}

/** Embedded servers, and the site of the book. */
const servers = ["DELAY", "ERROR", "LOCAL", "REMOTE"] as const

export const remoteBaseUrl: string = "https://www.fluentpython.com/data/flags"

const slow = { min: "500 millis", max: "5 seconds" } as const

/** The options of the embedded server for each label. */
export const embedded: {
  readonly [label in Exclude<(typeof servers)[number], "REMOTE">]: Pick<FlagServer.Options, "delay" | "errorRate">
} = {
  LOCAL: {},
  DELAY: { delay: slow },
  ERROR: { delay: slow, errorRate: 0.25 }
}

const input = {
  all: flag("-a, --all", "Fetch all available flags, AD to ZW"),
  every: flag("-e, --every", "Fetch AA to ZZ, whatever --all and CC say"),
  limit: integer("-l, --limit N", "Fetch the first N of the sorted codes", 1)
}

const output = {
  directory: withDefault(
    text("-d, --directory DIR", "Save as DIR/cc.gif (default downloads)", BucketUrl.localDirectory, "directory"),
    "downloads"
  ),
  report: nonEmpty("--report FILE", "Write a page that shows the run to FILE", "file"),
  verbose: flag("-v, --verbose", "Print a line per flag, and all counts"),
  har: nonEmpty("--har FILE", "Write all requests to FILE, for a browser", "file"),
  progress: progressOption,
  json: flag("--json", "Print one JSON object per event, and a report"),
  otlp: telemetryOptions.otlp
}

const network = {
  maxReq: integer("-m, --max_req, -c, --concurrency CONCURRENT", "Requests at a time; also -c, --concurrency", 1),
  server: text("-s, --server LABEL", "LOCAL (default), DELAY, ERROR or REMOTE", (value, label) => {
    const found = servers.find((candidate) => candidate === value.toUpperCase())
    return found === undefined ? not(`${label} must be one of ${servers.join(", ")}`, value) : Either.right(found)
  }),
  baseUrl: text("--base-url URL", "Fetch URL/cc/cc.gif, and start no server", Either.right<string>),
  traceOrigin: telemetryOptions.traceOrigin,
  timeout: withDefault(
    seconds("--timeout SECONDS", "Maximum time for each request (default 3.1)"),
    Duration.millis(3100)
  )
}

const behaviour = {
  engine: withDefault(
    choice("--engine ENGINE", "sequential, threads or fibers (default)", ["sequential", "threads", "fibers"]),
    "fibers" as const
  ),
  seed: withDefault(integer("--seed N", "Seed of DELAY and ERROR (default 1)", 0), 1)
}

export const groups = { Input: input, Output: output, Network: network, Behaviour: behaviour }

export const options = { ...input, ...output, ...network, ...behaviour }

export type Options = Values<typeof options>
