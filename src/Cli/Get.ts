/**
 * `halyard get`: any files, any number.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Action } from "./Action.js"
import { argumentsOf, type Command, given, type Option } from "./Command.js"
import type { GetOptions } from "./Get/get.js"
import { type Source, source } from "./Get/headerSource.js"
import { choice, flag, integer, nonEmpty, seconds, size, withDefault } from "./options.js"

const header: Option<ReadonlyArray<Source>> = {
  name: "header",
  aliases: ["H"],
  description:
    "Send this header to the origin of the first URL only. @FILE reads headers from FILE, one a line, and keeps them out of the list of processes; '@-' reads standard input. May be repeated.",
  form: { _tag: "Texts", metavar: "NAME:VALUE|@FILE" },
  read: (texts = []) => Either.all(texts.map(source))
}

const headerEnv: Option<ReadonlyArray<string>> = {
  name: "header-env",
  aliases: [],
  description: "Send the headers in the environment variable NAME, one a line, as --header does. May be repeated.",
  form: { _tag: "Texts", metavar: "NAME" },
  read: (texts = []) =>
    texts.every((name) => /^[A-Za-z_]\w*$/.test(name))
      ? Either.right(texts)
      : Either.left("--header-env NAME must be the name of an environment variable")
}

const options = {
  input: nonEmpty({
    name: "input",
    metavar: "FILE",
    aliases: ["i"],
    description:
      "Read URLs from FILE, one a line; '-' is standard input. # at the start of a line or after white space begins a comment."
  }),
  directory: withDefault(
    nonEmpty({
      name: "directory",
      metavar: "DIR",
      aliases: ["d"],
      description: "Save the files in DIR, which is created if it is missing. Default: the current directory."
    }),
    "."
  ),
  output: nonEmpty({
    name: "output",
    metavar: "FILE",
    aliases: ["o"],
    description:
      "Save the one URL as FILE. '-' is standard output. If FILE is a pipe or a device, write to it and do not replace it."
  }),
  concurrency: withDefault(
    integer({
      name: "concurrency",
      metavar: "N",
      minimum: 1,
      maximum: 10_000,
      aliases: ["c"],
      description: "Number of transfers at a time. Default 8."
    }),
    8
  ),
  perOrigin: integer({
    name: "per-origin",
    metavar: "M",
    minimum: 1,
    maximum: 10_000,
    description: "Number of transfers at a time from one origin. Default: no limit of its own."
  }),
  segments: integer({
    name: "segments",
    metavar: "N",
    minimum: 1,
    maximum: 64,
    description: "Maximum number of connections for one large file, within --concurrency. Default 4."
  }),
  retries: withDefault(
    integer({
      name: "retries",
      metavar: "N",
      minimum: 0,
      maximum: 1000,
      description: "Maximum number of attempts after the first, if the failure may pass. Default 5."
    }),
    5
  ),
  timeout: seconds({
    name: "timeout",
    metavar: "SECONDS",
    description: "Maximum time for one attempt. Default: no limit. The limits below still apply."
  }),
  connectTimeout: seconds({
    name: "connect-timeout",
    metavar: "SECONDS",
    description:
      "Maximum time to connect. Default 10. If this limit, --headers-timeout or --speed-time ends an attempt, the next attempt has twice that time."
  }),
  headersTimeout: seconds({
    name: "headers-timeout",
    metavar: "SECONDS",
    description: "Maximum time from a request to the end of the response's headers. Default 300."
  }),
  speedTime: seconds({
    name: "speed-time",
    metavar: "SECONDS",
    description: "End an attempt if its body is slower than --speed-limit for this long. Default 60."
  }),
  speedLimit: size({
    name: "speed-limit",
    metavar: "SIZE",
    description: "Minimum rate in bytes a second, for --speed-time. Default: one byte during the whole of --speed-time."
  }),
  maxTime: seconds({
    name: "max-time",
    metavar: "SECONDS",
    description: "Maximum time for each file, with all attempts and waits. Default: no limit."
  }),
  checksum: nonEmpty({
    name: "checksum",
    metavar: "DIGEST",
    description: "The digest that the content of the one URL must have: sha256:HEX, or a Subresource Integrity string."
  }),
  maxFilesize: size({
    name: "max-filesize",
    metavar: "SIZE",
    description:
      "Refuse a larger file. SIZE is a number of bytes; k, M, G and T multiply by 1024 (as in curl), kB, MB, GB and TB by 1000. Default: no limit."
  }),
  header,
  headerEnv,
  onExists: choice({
    name: "on-exists",
    choices: ["skip", "overwrite", "fail", "unique"],
    description:
      "What to do if the file exists; unique gives the new file a number. Default: skip, or overwrite with --checksum."
  }),
  durability: choice({
    name: "durability",
    choices: ["full", "rename"],
    description:
      "full: a saved file survives a power cut; rename: it survives only the end of the program. Default full."
  }),
  strict: flag({
    name: "strict",
    description: "Refuse content that has neither a length nor a checksum to verify it with."
  }),
  publicOnly: flag({
    name: "public-only",
    description: "Refuse loopback, private and other addresses that are not public."
  }),
  json: flag({ name: "json", description: "Print one JSON object a line: each retry and outcome, then the report." })
}

const urls = { name: "URL", description: "An http: or https: URL.", isRepeated: true, problem: () => undefined }

export const command: Command = {
  name: "get",
  description:
    "Download files, concurrently, whole or not at all. Exit code: 0 all saved or skipped, 1 some failed, 2 the command line is wrong.",
  options,
  argument: urls,
  passThrough: false,
  read: (line) =>
    Either.map(
      Either.all({
        urls: argumentsOf(line, urls),
        input: given(line, options.input),
        directory: given(line, options.directory),
        output: given(line, options.output),
        concurrency: given(line, options.concurrency),
        perOrigin: given(line, options.perOrigin),
        segments: given(line, options.segments),
        retries: given(line, options.retries),
        timeout: given(line, options.timeout),
        connectTimeout: given(line, options.connectTimeout),
        headersTimeout: given(line, options.headersTimeout),
        speedTime: given(line, options.speedTime),
        speedLimit: given(line, options.speedLimit),
        maxTime: given(line, options.maxTime),
        checksum: given(line, options.checksum),
        maxFilesize: given(line, options.maxFilesize),
        header: given(line, options.header),
        headerEnv: given(line, options.headerEnv),
        onExists: given(line, options.onExists),
        durability: given(line, options.durability),
        strict: given(line, options.strict),
        publicOnly: given(line, options.publicOnly),
        json: given(line, options.json)
      }),
      (read): Action => {
        const getOptions: GetOptions = {
          ...read,
          segments: read.segments ?? 4,
          durability: read.durability ?? "full",
          forFiles: (["onExists", "durability", "segments"] as const).flatMap((name) =>
            read[name] === undefined ? [] : [`--${options[name].name}`]
          ),
          // Content that is to be certain is not taken on trust because of its name.
          onExists: read.onExists ?? (read.checksum === undefined ? "skip" : "overwrite")
        }
        return Effect.flatMap(
          Effect.promise(() => import("./Get/get.js")),
          ({ get }) => get(getOptions)
        )
      }
    )
}
