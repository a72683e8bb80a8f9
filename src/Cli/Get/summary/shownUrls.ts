/**
 * The URLs in the lines for people: without secrets, or as they were given.
 */
import type { DownloadRequest } from "../../../Download.js"
import type { DownloadEvent } from "../../../DownloadEvent.js"
import * as GivenUrls from "../../../EventLine/givenUrls.js"
import { displayUrl } from "../../../internal/text/displayUrl.js"
import * as Printable from "../../../internal/text/printable.js"

export interface ShownUrls {
  /** Shows a URL that may have secrets. */
  readonly given: (url: string) => string
  /** Shows a URL of an error or of a mirror, which has no secrets. */
  readonly of: (url: string, request: DownloadRequest) => string
  /** Takes each event, before a line about it is made. */
  readonly receive: (event: DownloadEvent) => void
}

export const make = (showUrls: boolean): ShownUrls =>
  showUrls
    ? {
        given: Printable.line,
        of: (url, request) => Printable.line(GivenUrls.find(url, request)),
        receive: GivenUrls.learn
      }
    : { given: displayUrl, of: (url) => url, receive: () => {} }
