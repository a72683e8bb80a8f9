/**
 * The origins of a plan: the version of each file that they have now, and their responses.
 */
import { sha256 } from "@noble/hashes/sha2.js"
import * as Origin from "../../../src/testing/Origin.js"
import { type Change, changedAt, dayMillis, type Fault, type Item } from "./Plan.js"

/** A version of a file at a URL. */
export class Version {
  readonly content: Uint8Array
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  /** The time of `Last-Modified`. */
  readonly modifiedMillis: number | undefined
  readonly digest: string

  private constructor(
    readonly item: Item,
    private readonly url: number,
    private readonly target: number,
    private readonly number: number,
    private readonly sizeBytes: number,
    private readonly changedMillis: number
  ) {
    let state = (item.index * 7919 + url * 31337 + target * 65537 + number * 104729 + 12345) >>> 0
    this.content = Uint8Array.from({ length: sizeBytes }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state >>> 24
    })
    const { isOfFuture, validators } = item
    // The same for all files: an entity tag says nothing about the file at another URL (RFC 9110 §8.8.3).
    const tag = `"v${number}"`
    this.etag = validators === "weak" ? `W/${tag}` : validators === "strong" || validators === "both" ? tag : undefined
    this.modifiedMillis =
      validators === "date" || validators === "both" ? changedMillis + (isOfFuture ? 100 * dayMillis : 0) : undefined
    this.lastModified = this.modifiedMillis === undefined ? undefined : new Date(this.modifiedMillis).toUTCString()
    this.digest = `sha256:${Array.from(sha256(this.content), (byte) => byte.toString(16).padStart(2, "0")).join("")}`
  }

  static first(item: Item): Version {
    return new Version(item, 0, 0, 1, item.sizeBytes, changedAt(0).origin)
  }

  /** The version that the origin has after a change before this run. */
  after({ url, version }: Change, run: number): Version {
    return version === "same" && url === "same"
      ? this
      : new Version(
          this.item,
          this.url + (url === "other" ? 1 : 0),
          this.target + (url === "other target" ? 1 : 0),
          this.number + (version === "same" ? 0 : 1),
          this.sizeBytes + (version === "longer" ? 7 : 0),
          version === "same" ? this.changedMillis : changedAt(run).origin
        )
  }

  get requestUrl(): string {
    return `${this.item.origin}/${this.url}/file-${this.item.index}`
  }

  /** The URL of the content: another one if the URL of the request redirects. */
  get finalUrl(): string {
    return this.item.isMoved ? `https://cdn.test/${this.url}.${this.target}/file-${this.item.index}` : this.requestUrl
  }

  /** The response to a request for `finalUrl`. */
  reply(request: Origin.Request, fault: Fault | undefined, nowMillis: number): Origin.Reply {
    if (fault?.kind === "refused") {
      return { delay: 5, instead: "refused" }
    }
    if (fault?.kind === "status") {
      return { delay: 5, status: 503, body: "an error page" }
    }
    const { conditions, isLengthAnnounced, serverName } = this.item
    const { "if-modified-since": since, "if-none-match": tag, ...others } = request.headers
    const headers = {
      date: new Date(nowMillis).toUTCString(),
      ...(this.lastModified === undefined ? {} : { "last-modified": this.lastModified }),
      ...(serverName === undefined ? {} : { "content-disposition": `attachment; filename="${serverName}"` })
    }
    if (conditions === "mistaken" && (since ?? tag) !== undefined) {
      return {
        delay: 5,
        status: 304,
        headers: { etag: '"v999"', "last-modified": new Date(0).toUTCString() },
        body: ""
      }
    }
    const understood = conditions === "heeded" ? request : { ...request, headers: others }
    const full = Origin.file(understood, this.content, { delay: 5, chunkBytes: 300, etag: this.etag, headers })
    const { "content-length": _, ...withoutLength } = full.headers ?? {}
    const reply = isLengthAnnounced || full.status !== 200 ? full : { ...full, headers: withoutLength }
    return fault === undefined ? reply : { ...reply, breakAt: { bytes: fault.at, how: fault.how } }
  }
}
