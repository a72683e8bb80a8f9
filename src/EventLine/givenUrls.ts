/**
 * The URLs of a run as they were given, for lines that show them.
 *
 * An error has its URL without secrets, and so has an event about a mirror. The URL is one of the request, or one that a redirect has
 * led to, which an earlier event of the same request has.
 */
import type { DownloadRequest } from "../Download.js"
import type { DownloadEvent } from "../DownloadEvent.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import { urlIdentity } from "../internal/text/urlIdentity.js"

// A chain has at most ten redirects.
const visitedAtMost = 12

/** The URLs of the requests that were sent for a file, the last one at the end. */
const visited = new WeakMap<DownloadRequest, ReadonlyArray<string>>()

/** Remembers the URL of an event. */
export const learn = (event: DownloadEvent): void => {
  if (event._tag === "Exchanged" || event._tag === "Responded") {
    const { request } = event
    const url = asGiven(event.url, request)
    const before = visited.get(request) ?? []
    if (before.at(-1) !== url) {
      visited.set(request, [...before.filter((one) => one !== url), url].slice(-visitedAtMost))
    }
  }
}

/** The URL that is shown as `shown`. Returns `shown` if no such URL of the request is known. */
export const find = (shown: string, request: DownloadRequest): string =>
  [...(visited.get(request) ?? [])]
    .reverse()
    .concat(ownUrls(request))
    .find((url) => withoutCredentials(displayUrl(url)) === withoutCredentials(shown)) ?? shown

/** The URL of a request to a server, with the credentials that it had in the input. They are sent in a header. */
const asGiven = (url: string, request: DownloadRequest): string =>
  ownUrls(request).find((given) => urlIdentity(given) === urlIdentity(url)) ?? url

const ownUrls = ({ mirrors = [], url }: DownloadRequest): ReadonlyArray<string> => [url, ...mirrors]

// `displayUrl` shows credentials as `***@`.
const withoutCredentials = (shown: string): string => shown.replace("//***@", "//")
