/**
 * The options of `halyard get`, in the groups of its help.
 */
import * as Either from "effect/Either"
import { choice, flag, integer, nonEmpty, seconds, size, texts, type Values, withDefault } from "../Option.js"
import { source } from "./headerSource.js"

const input = {
  input: nonEmpty({
    names: ["-i", "--input"],
    metavar: "FILE",
    completion: "file",
    description: "Read URLs from FILE, one per line (-: stdin)"
  })
}

const output = {
  directory: withDefault(
    nonEmpty({
      names: ["-d", "--directory"],
      metavar: "DIR",
      completion: "directory",
      description: "Save in DIR, created if missing (default .)"
    }),
    "."
  ),
  output: nonEmpty({
    names: ["-o", "--output"],
    metavar: "FILE",
    completion: "file",
    description: "Save the one URL as FILE (-: standard output)"
  }),
  onExists: choice({
    names: ["--on-exists"],
    metavar: "ACTION",
    choices: ["skip", "overwrite", "fail", "unique"],
    description: "skip (default), overwrite, fail or unique"
  }),
  durability: choice({
    names: ["--durability"],
    metavar: "LEVEL",
    choices: ["full", "rename"],
    description: "full (default) survives a power cut, or rename"
  }),
  json: flag({ names: ["--json"], description: "Print one JSON object per retry and outcome" })
}

const network = {
  concurrency: withDefault(
    integer({
      names: ["-c", "--concurrency"],
      metavar: "N",
      minimum: 1,
      maximum: 10_000,
      description: "Transfers at a time (default 8)"
    }),
    8
  ),
  perOrigin: integer({
    names: ["--per-origin"],
    metavar: "N",
    minimum: 1,
    maximum: 10_000,
    description: "Transfers at a time per origin (default: as -c)"
  }),
  segments: integer({
    names: ["--segments"],
    metavar: "N",
    minimum: 1,
    maximum: 64,
    description: "Connections for one large file (default 4)"
  }),
  header: texts(
    {
      names: ["-H", "--header"],
      metavar: "NAME:VALUE|@FILE",
      description: "Send a header to the origin of the first URL"
    },
    source
  ),
  headerEnv: texts(
    {
      names: ["--header-env"],
      metavar: "NAME",
      description: "Send the headers in environment variable NAME"
    },
    (name) =>
      /^[A-Za-z_]\w*$/.test(name)
        ? Either.right(name)
        : Either.left("--header-env NAME must be the name of an environment variable")
  ),
  connectTimeout: seconds({
    names: ["--connect-timeout"],
    metavar: "SECONDS",
    description: "Maximum time to connect (default 10)"
  }),
  headersTimeout: seconds({
    names: ["--headers-timeout"],
    metavar: "SECONDS",
    description: "Maximum time to receive headers (default 300)"
  }),
  speedLimit: size({
    names: ["--speed-limit"],
    metavar: "SIZE",
    description: "Minimum bytes per second (default: above 0)"
  }),
  speedTime: seconds({
    names: ["--speed-time"],
    metavar: "SECONDS",
    description: "Maximum time below --speed-limit (default 60)"
  }),
  publicOnly: flag({ names: ["--public-only"], description: "Refuse private, loopback and similar addresses" })
}

const behaviour = {
  retries: withDefault(
    integer({
      names: ["--retries"],
      metavar: "N",
      minimum: 0,
      maximum: 1000,
      description: "Attempts after the first (default 5)"
    }),
    5
  ),
  timeout: seconds({
    names: ["--timeout"],
    metavar: "SECONDS",
    description: "Maximum time for one attempt (default: none)"
  }),
  maxTime: seconds({
    names: ["--max-time"],
    metavar: "SECONDS",
    description: "Maximum time for all attempts (default: none)"
  }),
  maxFilesize: size({
    names: ["--max-filesize"],
    metavar: "SIZE",
    description: "Refuse a larger file (default: no limit)"
  }),
  checksum: nonEmpty({
    names: ["--checksum"],
    metavar: "DIGEST",
    description: "Digest of the one URL: sha256:HEX or an SRI"
  }),
  strict: flag({ names: ["--strict"], description: "Refuse a body without a length or a checksum" })
}

export const groups = { Input: input, Output: output, Network: network, Behaviour: behaviour }

export const options = { ...input, ...output, ...network, ...behaviour }

export type Options = Values<typeof options>
