/**
 * The options of `halyard get`, in the groups of its help.
 */
import * as Either from "effect/Either"
import * as RequestHeaders from "../../Download/requestHeaders.js"
import * as Method from "../../internal/http/method.js"
import {
  choice,
  flag,
  integer,
  nonEmpty,
  nonEmptyText,
  not,
  requestRate,
  seconds,
  size,
  text,
  texts,
  type Values,
  withDefault
} from "../commandLine/Option.js"
import * as BucketUrl from "../run/bucketUrl.js"
import { progressOption } from "../run/display.js"
import { telemetryOptions } from "../telemetry.js"
import { BaseUrl } from "./input/baseUrl.js"

/** A value of the command line, or the file that contains it. */
export type Source = { readonly _tag: "Line"; readonly text: string } | { readonly _tag: "File"; readonly path: string }

/** Reads `NAME:VALUE` or `@FILE`. The value may be a secret, and no error shows it. */
const source = (text: string): Either.Either<Source, string> =>
  text.startsWith("@") && text.length > 1
    ? Either.right({ _tag: "File", path: text.slice(1) })
    : isHeader(text)
      ? Either.right({ _tag: "Line", text })
      : Either.left("--header NAME:VALUE must have a name and a colon, or be @FILE")

export const isHeader = (text: string): boolean => /^[^\s:]+:/.test(text)

/** Reads `USER` or `USER:PASSWORD`. No error shows the text. */
const user = (text: string, label: string): Either.Either<string, string> =>
  /^[^:\u0000-\u001f\u007f][^\u0000-\u001f\u007f]*$/.test(text)
    ? Either.right(text)
    : Either.left(`${label} must have a name, and no control characters`)

/** Reads `NAME=VALUE` or the name of a file, which has no equals sign, as in curl. No error shows the text. */
const cookie = (text: string, label: string): Either.Either<Source, string> =>
  !text.includes("=") && text !== ""
    ? Either.right({ _tag: "File", path: text })
    : RequestHeaders.isFieldValue(text) && /^[^\s=;,]+=/.test(text)
      ? Either.right({ _tag: "Line", text })
      : Either.left(`${label} must have a name and no line breaks, or be a file`)

/** Reads `DATA` or `@FILE`. */
const content = (text: string): Either.Either<Source, string> =>
  Either.right(text.startsWith("@") && text.length > 1 ? { _tag: "File", path: text.slice(1) } : { _tag: "Line", text })

/** Reads the value of a header. */
const fieldValue = (value: string, label: string): Either.Either<string, string> =>
  value !== "" && RequestHeaders.isFieldValue(value)
    ? Either.right(value)
    : Either.left(`${label} must not be empty, and can have no line breaks and no characters above U+00FF`)

/** Reads the URL of a `Referer`. */
const referer = (text: string, label: string): Either.Either<string, string> =>
  Either.flatMap(fieldValue(text, label), (value) =>
    /^https?:\/\//i.test(value) && URL.canParse(value)
      ? Either.right(value)
      : not(`${label} must be an absolute URL of http: or https:`, value)
  )

const baseUrl = (text: string, label: string): Either.Either<BaseUrl, string> =>
  Either.fromNullable(BaseUrl.parse(text), () => `${label} must be an absolute URL of http: or https:`)

const input = {
  input: texts("-i, --input FILE", "Read a list of files from FILE (-: stdin)", nonEmptyText, "file"),
  noGlob: flag("-g, --no-glob, --globoff", "Do not expand {a,b} and [1-9] in URLs"),
  sums: texts("--sums FILE", "Verify the files with the checksums in FILE", nonEmptyText, "file"),
  baseUrl: text("--base-url URL", "Resolve names and relative URLs against URL", baseUrl),
  allowOutside: flag("--allow-outside", "Let lists name directories outside of -d")
}

const output = {
  directory: withDefault(
    text("-d, --directory DIR", "Save in DIR (default .), or s3://BUCKET/PREFIX", BucketUrl.directory, "directory"),
    "."
  ),
  output: text("-o, --output FILE", "Save the one URL as FILE (-: standard output)", BucketUrl.path, "file"),
  forceDirectories: flag("-x, --force-directories", "Save in HOST/PATH of the URL, below DIR"),
  nameTemplate: nonEmpty("--name TEMPLATE", "Name the files, for example {index:03}-{name}"),
  remoteHeaderName: flag("-J, --remote-header-name", "Use the names that the server gives"),
  onExists: choice("--on-exists ACTION", "If a file exists: skip, overwrite, fail, unique", [
    "skip",
    "overwrite",
    "fail",
    "unique"
  ]),
  sync: flag("--sync", "Ask the server about every file that is there"),
  noState: flag("--no-state", "Neither read nor write .halyard.ndjson"),
  journal: nonEmpty("--journal FILE", "Record outcomes in FILE, and skip saved files", "file"),
  failed: nonEmpty("--failed FILE", "Write a list of what failed or was cancelled", "file"),
  report: nonEmpty("--report FILE", "Write a page that shows the run to FILE", "file"),
  har: nonEmpty("--har FILE", "Write all requests to FILE, for a browser", "file"),
  noMtime: flag("--no-mtime", "Do not set the time of files to Last-Modified"),
  durability: choice("--durability LEVEL", "full (default) survives a power cut, or rename", ["full", "rename"]),
  quiet: flag("-q, --quiet", "Print failures only"),
  verbose: flag("-v, --verbose", "Print each response, and all skipped files"),
  progress: progressOption,
  json: flag("--json", "Print one JSON object per event, and a report"),
  jsonSchema: flag("--json-schema", "Print the JSON Schema of these objects"),
  otlp: telemetryOptions.otlp,
  showUrls: flag("--show-urls", "Show URLs as given, with their secrets")
}

const network = {
  concurrency: withDefault(integer("-c, --concurrency N", "Transfers at a time (default 8)", 1, 10_000), 8),
  perOrigin: integer("--per-origin N", "Transfers at a time per origin (default: as -c)", 1, 10_000),
  segments: integer("--segments N", "Connections for one large file (default 4)", 1, 64),
  header: texts("-H, --header NAME:VALUE|@FILE", "Send a header to the origin of the first URL", source),
  headerEnv: texts("--header-env NAME", "Send the headers in environment variable NAME", (name) =>
    /^[A-Za-z_]\w*$/.test(name)
      ? Either.right(name)
      : Either.left("--header-env NAME must be the name of an environment variable")
  ),
  user: text("-u, --user USER[:PASSWORD]", "Send credentials to the origin of the first URL", user),
  netrc: flag("--netrc", "Send the credentials in ~/.netrc to their hosts"),
  netrcFile: nonEmpty("--netrc-file FILE", "Send the credentials in FILE to their hosts", "file"),
  cookie: texts("-b, --cookie NAME=VALUE|FILE", "A cookie for the first origin, or a cookie file", cookie),
  cookieJar: nonEmpty("--cookie-jar FILE", "Keep cookies of servers, and write them to FILE", "file"),
  method: text("-X, --request METHOD", "Method for the one URL (default GET)", (value) => {
    const problem = Method.problem(value)
    return problem === undefined ? Either.right(value) : Either.left(`--request METHOD: ${problem}`)
  }),
  data: text("--data DATA|@FILE", "POST this content, or a file, to the one URL", content),
  traceOrigin: telemetryOptions.traceOrigin,
  userAgent: text("-A, --user-agent TEXT", "Value of User-Agent (default halyard)", fieldValue),
  referer: text("-e, --referer URL", "Value of Referer, for each URL of the input", referer),
  limitRate: size("--limit-rate SIZE", "Maximum bytes per second, in all"),
  limitRatePerOrigin: size("--origin-limit-rate SIZE", "Maximum bytes per second from one origin"),
  rate: requestRate("--rate N/UNIT", "Maximum requests per s, m, h or d, in all"),
  ratePerOrigin: requestRate("--origin-rate N/UNIT", "Maximum requests per s, m, h or d to one origin"),
  proxy: nonEmpty("--proxy URL", "Use this proxy (default: http_proxy etc.)"),
  noProxy: text("--no-proxy, --noproxy LIST", "Hosts without proxy (default: no_proxy)", Either.right),
  cacert: nonEmpty("--cacert FILE", "Trust only the certificates in FILE", "file"),
  cert: nonEmpty("--cert FILE", "Certificate for the origin of the first URL", "file"),
  key: nonEmpty("--key FILE", "Private key of --cert (default: in its file)", "file"),
  passEnv: nonEmpty("--pass-env NAME", "Variable with the pass phrase of --key"),
  insecure: flag("-k, --insecure", "Accept any certificate of a server"),
  ipv4: flag("-4, --ipv4", "Connect to IPv4 addresses only"),
  ipv6: flag("-6, --ipv6", "Connect to IPv6 addresses only"),
  localInterface: nonEmpty("--interface NAME|ADDRESS", "Connect from this interface or address"),
  resolve: texts("--resolve HOST:PORT:ADDR", "Use this address of a host", Either.right),
  connectTimeout: seconds("--connect-timeout SECONDS", "Maximum time to connect (default 10)"),
  headersTimeout: seconds("--headers-timeout SECONDS", "Maximum time to receive headers (default 300)"),
  speedLimit: size("--speed-limit SIZE", "Minimum bytes per second (default: above 0)"),
  speedTime: seconds("--speed-time SECONDS", "Maximum time below --speed-limit (default 60)"),
  pipeline: withDefault(integer("--pipeline N", "Requests together on a connection (default 1)", 1, 32), 1),
  publicOnly: flag("--public-only", "Refuse private, loopback and similar addresses")
}

const behaviour = {
  retries: withDefault(integer("--retries N", "Attempts after the first (default 5)", 0, 1000), 5),
  retryAnyMethod: flag("--retry-any-method", "Also repeat a POST that may have been received"),
  timeout: seconds("--timeout SECONDS", "Maximum time for one attempt (default: none)"),
  maxTime: seconds("--max-time SECONDS", "Maximum time for all attempts (default: none)"),
  maxFilesize: size("--max-filesize SIZE", "Refuse a larger file (default: no limit)"),
  checksum: nonEmpty("--checksum DIGEST", "Digest of the one URL: sha256:HEX, HEX, SRI"),
  dryRun: flag("--dry-run", "Say what would be done, and request no file"),
  config: nonEmpty("--config FILE", "Read options from FILE, and no other file", "file"),
  failFast: flag("--fail-fast", "Stop at the first failure"),
  continue: flag("--continue", "Continue files of curl, wget, aria2, browsers"),
  noResume: flag("--no-resume", "Keep no unfinished parts, and continue none"),
  strict: flag("--strict", "Refuse a body without a length or a checksum")
}

export const groups = { Input: input, Output: output, Network: network, Behaviour: behaviour }

export const options = { ...input, ...output, ...network, ...behaviour }

export type Options = Values<typeof options>
