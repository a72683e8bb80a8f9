/**
 * The options of `halyard flags`, in the groups of its help. Most of them are those of `flags2` in the chapter.
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Printable from "../../internal/text/printable.js"
import { choice, flag, integer, label, nonEmpty, seconds, text, type Values, withDefault } from "../Option.js"
import { servers } from "./servers.js"

const input = {
  all: flag({ names: ["-a", "--all"], description: "Fetch all available flags, AD to ZW" }),
  every: flag({
    names: ["-e", "--every"],
    description: "Fetch AA to ZZ, whatever --all and CC say"
  }),
  limit: integer({
    names: ["-l", "--limit"],
    metavar: "N",
    minimum: 1,
    description: "Fetch the first N of the sorted codes"
  })
}

const output = {
  directory: withDefault(
    nonEmpty({
      names: ["-d", "--directory"],
      metavar: "DIR",
      completion: "directory",
      description: "Save as DIR/cc.gif (default downloads)"
    }),
    "downloads"
  ),
  verbose: flag({ names: ["-v", "--verbose"], description: "Print a line per flag, and all counts" }),
  json: flag({ names: ["--json"], description: "Print one JSON object per flag, and a report" })
}

const server = { names: ["-s", "--server"], metavar: "LABEL" } as const

const network = {
  maxReq: integer({
    names: ["-m", "--max_req", "-c", "--concurrency"],
    metavar: "CONCURRENT",
    minimum: 1,
    description: "Requests at a time; also -c, --concurrency"
  }),
  server: text({ ...server, description: "LOCAL (default), DELAY, ERROR or REMOTE" }, (value) => {
    const found = servers.find((candidate) => candidate === value.toUpperCase())
    return found === undefined
      ? Either.left(`${label(server)} must be one of ${servers.join(", ")}, not '${Printable.excerpt(value)}'`)
      : Either.right(found)
  }),
  baseUrl: text(
    { names: ["--base-url"], metavar: "URL", description: "Fetch URL/cc/cc.gif, and start no server" },
    Either.right<string>
  ),
  timeout: withDefault(
    seconds({
      names: ["--timeout"],
      metavar: "SECONDS",
      description: "Maximum time for each request (default 3.1)"
    }),
    Duration.millis(3100)
  )
}

const behaviour = {
  engine: withDefault(
    choice({
      names: ["--engine"],
      metavar: "ENGINE",
      choices: ["sequential", "threads", "fibers"],
      description: "sequential, threads or fibers (default)"
    }),
    "fibers" as const
  ),
  seed: withDefault(
    integer({
      names: ["--seed"],
      metavar: "N",
      minimum: 0,
      description: "Seed of DELAY and ERROR (default 1)"
    }),
    1
  )
}

export const groups = { Input: input, Output: output, Network: network, Behaviour: behaviour }

export const options = { ...input, ...output, ...network, ...behaviour }

export type Options = Values<typeof options>
