/**
 * What to type after a failure. Each advice names options of `halyard get`.
 */

import * as RequestProblem from "../../../Download/requestProblem.js"
import type { Connection, DownloadError } from "../../../DownloadError.js"
import * as TlsErrors from "../../../Transport/tlsErrors.js"
import * as BucketUrl from "../../run/bucketUrl.js"
import { groups } from "../options.js"

/** Returns the advice for an error, or undefined if no option helps. */
export const adviceFor = (error: DownloadError): string | undefined =>
  candidatesFor(error).find((text) => optionsIn(text).every((option) => known().has(option)))

/** The advice for an error, the best first. */
const candidatesFor = (error: DownloadError): ReadonlyArray<string> => {
  switch (error._tag) {
    case "HttpStatus":
      return forStatus(error.status)
    case "Connection":
      return connecting(error)
    case "Timeout":
      return forTimeout[error.phase]
    case "Disk":
      return (BucketUrl.isIn(error.path) ? forBucket : forDisk)[error.reason] ?? []
    case "InvalidRequest":
      return error.detail === RequestProblem.notAbsolute || error.detail.endsWith(RequestProblem.notHttp)
        ? ["a URL begins with https:// or http://; -i FILE reads a list of URLs"]
        : []
    case "Truncated":
      return ["--retries N allows more attempts"]
    case "AddressRefused":
      return ["without --public-only, private addresses are allowed"]
    case "Mismatch":
      return error.reason === "unverifiable"
        ? ["without --strict, a file that cannot be checked is saved; --checksum DIGEST checks it"]
        : []
    default:
      return []
  }
}

const forStatus = (status: number): ReadonlyArray<string> => {
  switch (status) {
    case 401:
      return [
        "for 401, give the name and the password: --user NAME asks for it, and --netrc reads ~/.netrc",
        "for 401, send the credentials with --header-env NAME, where the variable NAME has 'Authorization: …'"
      ]
    case 403:
      return [
        "for 403, the server may want a log-in or another client: --load-cookies FILE, --cookie FILE, --user-agent TEXT",
        "for 403, the server may want a log-in or another client: --header @FILE, --user-agent TEXT"
      ]
    case 429:
    case 503:
      return [
        "for 429 and 503, ask more slowly: --origin-rate 1/s, --per-origin 1",
        "for 429 and 503, ask more slowly: --per-origin 1"
      ]
    default:
      return status >= 500 ? ["for 5xx, --retries N allows more attempts"] : []
  }
}

const connecting = ({ detail, reason, url }: Connection): ReadonlyArray<string> => {
  if (detail.includes("EADDRNOTAVAIL")) {
    return ["--interface takes an address of this machine"]
  }
  if (isAtProxy(detail)) {
    return atProxy[reason] ?? forConnection.proxy
  }
  if (reason === "refused" && isLoopback(url)) {
    return []
  }
  return reason === "tls" ? forTls(detail) : forConnection[reason]
}

const forTls = (detail: string): ReadonlyArray<string> =>
  TlsErrors.isWithoutTls(detail)
    ? ["a port without TLS needs a URL that begins with http://"]
    : TlsErrors.wantsCertificate(detail)
      ? ["--cert FILE and --key FILE give the certificate of the client"]
      : forConnection.tls

// No proxy leads to a server of this machine.
const isLoopback = (url: string): boolean => /^https?:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/]|$)/.test(url)

// The transport puts the URL of the proxy before the cause if the connection to the proxy fails.
const isAtProxy = (detail: string): boolean => /^(?:https?|socks5h?):\/\//.test(detail)

const proxy = ["if this machine reaches the network through a proxy, give it with --proxy URL"]

const forConnection: {
  readonly [reason in Extract<DownloadError, { readonly _tag: "Connection" }>["reason"]]: ReadonlyArray<string>
} = {
  "unknown-host": proxy,
  dns: proxy,
  refused: proxy,
  unreachable: ["-4 and -6 choose the version of IP; --proxy URL uses a proxy", ...proxy],
  tls: [
    "--cacert FILE trusts the certificates of an own authority; --insecure accepts any certificate, and is not safe"
  ],
  proxy: ["--proxy URL uses another proxy, and --no-proxy LIST connects to hosts directly"],
  "proxy-authentication": [
    "give the credentials of the proxy: https_proxy=http://NAME:PASSWORD@HOST:PORT, or --proxy URL"
  ],
  "proxy-refused": ["--proxy URL uses another proxy, and --no-proxy LIST connects to hosts directly"],
  reset: ["--retries N allows more attempts"],
  other: []
}

// --insecure is not for proxies.
const atProxy: { readonly [reason in keyof typeof forConnection]?: ReadonlyArray<string> } = {
  tls: ["--cacert FILE trusts the certificate of the proxy"],
  "proxy-authentication": forConnection["proxy-authentication"]
}

const forTimeout = {
  connect: ["--connect-timeout SECONDS allows more time to connect"],
  headers: ["--headers-timeout SECONDS allows more time for the response"],
  stall: ["--speed-time SECONDS allows more time without data"],
  // The options that set these limits were given.
  total: [],
  deadline: []
}

const forDisk: {
  readonly [reason in Extract<DownloadError, { readonly _tag: "Disk" }>["reason"]]?: ReadonlyArray<string>
} = {
  full: ["free some space, or save on another disk with --directory DIR"],
  permission: ["save in a directory that you may write to, with --directory DIR"],
  "not-a-directory": ["save in another directory with --directory DIR"],
  exists: ["--on-exists skip, overwrite or unique decides what happens to a file that exists"],
  "too-many-open": ["use fewer connections with --concurrency N, or allow more open files with ulimit -n"]
}

const forBucket: typeof forDisk = {
  permission: [
    "the account of AWS_ACCESS_KEY_ID must be allowed to list the bucket, and to read, write and delete below its prefix"
  ],
  exists: forDisk.exists ?? [],
  "too-many-open": forDisk["too-many-open"] ?? [],
  unavailable: ["--retries N allows more attempts, and --concurrency N fewer requests at a time"]
}

const optionsIn = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/(?<![\w-])--?[a-z\d][\w-]*/g), ([option]) => option).filter((option) => option !== "-n")

let names: ReadonlySet<string> | undefined

const known = (): ReadonlySet<string> => {
  names ??= new Set(Object.values(groups).flatMap((group) => Object.values(group).flatMap((option) => option.names)))
  return names
}
