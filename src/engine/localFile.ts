/**
 * The file that is at the destination before a transfer, and how a response compares with it.
 *
 * @internal
 */
import type { ExistingFile, Skipped } from "../Download.js"
import { parseHttpDate } from "../internal/http/retryAfter.js"
import * as Validator from "../internal/http/validator.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import type { Entry } from "../Journal.js"
import type { FileInfo } from "../Store.js"
import type { ResponseHead } from "../Transport.js"
import type { Hop } from "./redirect.js"

/** A transfer that leaves the file at the destination as it is. */
export type Unchanged =
  | { readonly _tag: "Unchanged"; readonly how: "NotModified"; readonly file: ExistingFile }
  /** `file`: undefined if the file was not looked at. */
  | { readonly _tag: "Unchanged"; readonly how: Skipped["reason"]; readonly file: ExistingFile | undefined }

type Headers = ResponseHead["headers"]

/** A recorded validator that can be sent: a journal is a file, in which anything may stand. */
interface Condition {
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  /** The URL that the validators are of. */
  readonly url: string
  readonly recorded: Entry
}

// Some file systems keep the time of a file to two seconds (FAT).
const coarseMillis = 2000

/** Whether two modification times are the same, as far as a file system may keep them. An unknown time is like every other. */
export const isSameTime = (one: number | undefined, other: number | undefined): boolean =>
  one === undefined || other === undefined || Math.abs(one - other) < coarseMillis

export class LocalFile {
  private condition: Condition | undefined
  /** True if the size in a response decides, because the journal has no validator for this file. */
  private readonly isComparable: boolean

  /**
   * `recorded`: what the journal knows about the file if the file has not changed since and came from the URL of the request.
   * `isUnknown`: true if the journal knows nothing about the file.
   */
  constructor(
    private readonly info: FileInfo,
    recorded: Entry | undefined,
    isUnknown: boolean
  ) {
    this.condition = recorded === undefined ? undefined : conditionOf(recorded)
    this.isComparable = isUnknown || (recorded !== undefined && this.condition === undefined)
  }

  /** The headers that make a request conditional (RFC 9110 §13.1.2, §13.1.3). Undefined if no validator is known for its URL. */
  headersFor(hop: Hop): Readonly<Record<string, string>> | undefined {
    const { condition } = this
    if (condition === undefined || !hop.isPlainGet || displayUrl(hop.href) !== condition.url) {
      return undefined
    }
    const { etag, lastModified } = condition
    return {
      ...(etag === undefined ? {} : { "if-none-match": etag }),
      ...(lastModified === undefined ? {} : { "if-modified-since": lastModified })
    }
  }

  /** The outcome of a 304 response to a conditional request. Undefined if it names another version: then no condition is sent again. */
  notModified(headers: Headers, hop: Hop): Unchanged | undefined {
    const { condition } = this
    if (condition === undefined || !isOfVersion(condition, headers)) {
      this.condition = undefined
      return undefined
    }
    return this.unchanged("NotModified", headers, hop, condition.recorded)
  }

  /**
   * The outcome of a response with the whole file if the file at the destination is the same. Undefined if it is not, or if that
   * is not known. `isConditional`: whether the request had the headers of this file.
   */
  sameAs(
    { headers, status }: ResponseHead,
    totalBytes: number | undefined,
    hop: Hop,
    isConditional: boolean
  ): Unchanged | undefined {
    const { condition, info } = this
    if (status !== 200 || totalBytes === undefined || totalBytes !== info.sizeBytes) {
      return undefined
    }
    if (isConditional && condition !== undefined) {
      // Some servers ignore conditions.
      const validator = Validator.strong(headers)
      return validator !== undefined && (validator === condition.etag || validator === condition.lastModified)
        ? this.unchanged("NotModified", headers, hop, condition.recorded)
        : undefined
    }
    return this.isComparable && !this.isOlderThan(headers) ? this.unchanged("same-size", headers, hop) : undefined
  }

  private isOlderThan(headers: Headers): boolean {
    const modifiedAt = parseHttpDate(headers["last-modified"]?.trim() ?? "", 0)
    const { modifiedMillis } = this.info
    return modifiedAt !== undefined && modifiedMillis !== undefined && modifiedAt - modifiedMillis >= coarseMillis
  }

  private unchanged(how: "NotModified" | "same-size", headers: Headers, hop: Hop, recorded?: Entry): Unchanged {
    const etag = headers["etag"] ?? recorded?.etag
    const lastModified = headers["last-modified"] ?? recorded?.lastModified
    return {
      _tag: "Unchanged",
      how,
      file: {
        ...fileOf(this.info),
        url: displayUrl(hop.href),
        ...(etag === undefined ? {} : { etag }),
        ...(lastModified === undefined ? {} : { lastModified }),
        ...(recorded?.digest === undefined ? {} : { digest: recorded.digest })
      }
    }
  }
}

/** What a store says about a file, for outcomes. */
export const fileOf = ({ modifiedMillis, sizeBytes = 0 }: FileInfo): ExistingFile => ({
  bytes: sizeBytes,
  ...(modifiedMillis === undefined ? {} : { modifiedMillis: Math.floor(modifiedMillis) })
})

const conditionOf = (recorded: Entry): Condition | undefined => {
  const etag = recorded.etag !== undefined && entityTag.test(recorded.etag) ? recorded.etag : undefined
  const { finalUrl, url } = recorded
  const lastModified =
    recorded.lastModified !== undefined && parseHttpDate(recorded.lastModified, 0) !== undefined
      ? recorded.lastModified
      : undefined
  return etag === undefined && lastModified === undefined
    ? undefined
    : { etag, lastModified, url: finalUrl ?? url, recorded }
}

const entityTag = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]+"$/

/** Whether a 304 response can be of the version that the condition names (RFC 9110 §15.4.5). */
const isOfVersion = ({ etag, lastModified }: Condition, headers: Headers): boolean => {
  const said = headers["etag"]?.trim()
  if (etag !== undefined) {
    return said === undefined || said.replace(/^W\//, "") === etag.replace(/^W\//, "")
  }
  const date = headers["last-modified"]?.trim()
  return date === undefined || date === lastModified
}
