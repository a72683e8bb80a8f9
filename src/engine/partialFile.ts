/**
 * The bytes that earlier attempts of a transfer have received: the part, its digest, and the version that the bytes are of.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { DownloadRequest } from "../Download.js"
import type { Disk } from "../DownloadError.js"
import type { Hash, Hasher } from "../Hasher.js"
import { andThen, isExit } from "../internal/andThen.js"
import type { Expected } from "../internal/digest.js"
import * as Validator from "../internal/http/validator.js"
import type { Part, Store } from "../Store.js"
import type { ResponseHead } from "../Transport.js"
import type { Hop } from "./redirect.js"
import { type Claim, RangeMap } from "./segments/rangeMap.js"

/** What responses said about one version of the file. */
interface Version {
  readonly validator: string | undefined
  readonly coding: string
  /** The media type; "" if the response had none. */
  readonly type: string
  readonly totalBytes: number | undefined
  /** The bytes received of this version, which is at least its length. */
  readonly leastBytes: number
}

// After this number of refused ranges, the transfer requests only the whole file.
const refusalsAtMost = 3

const readBytes = 1024 * 1024

export class PartialFile {
  part: Part | undefined
  /** Which bytes are in the part, and which of the others are being received. */
  ranges = new RangeMap()
  validator: string | undefined
  totalBytes: number | undefined
  /** Whether `totalBytes` comes from the response to a range request, and no whole response has said it. */
  isTotalOfRange = false
  /** The content codings of the version in the part. */
  coding = ""
  /** The bytes received by all attempts, also those that started over. */
  receivedBytes = 0
  /** Whether the part has bytes from a response to a range request. */
  isResumed = false
  /** The number of segment requests of this transfer that failed. */
  failedSegments = 0
  /** The head of the first response whose bytes are in the part. */
  head: ResponseHead | undefined
  /** The digest of the content, when `digest` has computed it. */
  computed: string | undefined
  private hash: Hash | undefined
  private hashedBytes = 0
  source: Hop | undefined
  private type = ""
  private refusedRanges = 0
  private isRangeRequested = false
  private before: Version | undefined

  constructor(
    private readonly request: DownloadRequest,
    private readonly expected: Expected | undefined,
    private readonly hasher: typeof Hasher.Service,
    /** Maximum size of the content. */
    readonly limitBytes: number
  ) {}

  get bytes(): number {
    return this.ranges.bytes
  }

  /**
   * The offset at which the next request continues, and its `Range`. The offset is 0, without a `Range`, if the transfer must
   * start over: another version could not be detected, or ranges of this file were refused too often.
   */
  resumeAt(hop: Hop): { readonly offsetBytes: number; readonly range: string | undefined } {
    if (this.part === undefined) {
      return { offsetBytes: 0, range: undefined }
    }
    const hole = this.ranges.firstHole
    const offsetBytes = hole?.startBytes ?? 0
    const isUnfinished = this.bytes < (this.totalBytes ?? Number.POSITIVE_INFINITY)
    const isRefused = this.refusedRanges >= refusalsAtMost
    this.isRangeRequested = offsetBytes > 0 && this.isGuarded && isUnfinished && !isRefused && this.isFrom(hop)
    if (!this.isRangeRequested) {
      return { offsetBytes: 0, range: undefined }
    }
    const isLast = hole === undefined || hole.endBytes >= (this.totalBytes ?? Number.POSITIVE_INFINITY)
    return { offsetBytes, range: `bytes=${offsetBytes}-${isLast ? "" : hole.endBytes - 1}` }
  }

  /** Whether a check would show that bytes are of another version. */
  get isGuarded(): boolean {
    return this.validator !== undefined || (this.hasDigest && this.totalBytes !== undefined)
  }

  /** Whether the request has a digest, which verifies the whole content at the end. */
  get hasDigest(): boolean {
    return this.expected !== undefined
  }

  /** The version of the last whole response that was accepted. */
  get earlier(): Version | undefined {
    const { bytes, coding, totalBytes, type, validator } = this
    const isKnown = validator !== undefined || totalBytes !== undefined
    const saidBytes = this.isTotalOfRange ? undefined : totalBytes
    return isKnown ? { coding, leastBytes: bytes, totalBytes: saidBytes, type, validator } : this.before
  }

  /** Makes the next attempt start over. */
  forget(): void {
    this.before = this.earlier
    this.validator = undefined
    this.totalBytes = undefined
  }

  /** Records that a range request failed: the next attempt starts over without a `Range`. */
  refuseRange(): void {
    this.refusedRanges++
    this.forget()
  }

  /** Calls `refuseRange` if the last request had a `Range`, and returns whether it had. */
  refuseLastRange(): boolean {
    const { isRangeRequested } = this
    if (isRangeRequested) {
      this.refuseRange()
    }
    return isRangeRequested
  }

  /** Records that the assembled content is not the file: the next attempt starts over, on one connection. */
  refuseSegments(): void {
    this.failedSegments = Number.POSITIVE_INFINITY
    this.forget()
  }

  // An entity tag with a length also identifies the file at another URL; a date is valid for one URL (RFC 9110 §8.8.2.2).
  private isFrom(hop: Hop): boolean {
    const { hasDigest, source, totalBytes, validator } = this
    const isOfAny = validator !== undefined && Validator.isEntityTag(validator) && totalBytes !== undefined
    return hasDigest || isOfAny || (source !== undefined && sourceOf(source) === sourceOf(hop))
  }

  /** Opens an empty part for a whole response. Run it uninterruptible. */
  startOver(store: typeof Store.Service): Effect.Effect<Part, Disk> {
    this.isResumed = false
    this.ranges = new RangeMap()
    this.hashedBytes = 0
    this.hash = this.expected === undefined ? undefined : this.hasher.make(this.expected.algorithm)
    return andThen(this.discard, () => {
      this.part = undefined
      return andThen(store.open(this.request.destination, { resume: undefined }), ({ part }) => {
        this.part = part
        return Exit.succeed(part)
      })
    })
  }

  /** Records the version of a whole response that is accepted. */
  accept(head: ResponseHead, totalBytes: number | undefined, hop: Hop): void {
    const { headers, status } = head
    this.before = this.earlier
    this.head = head
    // 203: a proxy has changed the content (RFC 9110 §15.3.4). A response to a range would not say so.
    this.validator = status === 203 ? undefined : Validator.strong(headers)
    this.setTotal(totalBytes)
    this.isTotalOfRange = false
    this.coding = Validator.contentCodings(headers)
    this.type = Validator.mediaType(headers)
    this.source = hop
  }

  /** Records the total of a response to a range request that is accepted. */
  acceptRange(totalBytes: number | undefined, head: ResponseHead, hop: Hop): void {
    this.head ??= head
    this.source ??= hop
    this.isTotalOfRange ||= this.totalBytes === undefined
    this.setTotal(totalBytes)
    this.isResumed = true
  }

  private setTotal(totalBytes: number | undefined): void {
    this.totalBytes = totalBytes
    this.ranges.totalBytes = totalBytes ?? Number.POSITIVE_INFINITY
  }

  /** Writes the next bytes of a claim. */
  write(part: Part, claim: Claim, chunk: Uint8Array): Effect.Effect<void, Disk> {
    const positionBytes = claim.nextBytes
    this.receivedBytes += chunk.length
    claim.nextBytes += chunk.length
    const writing = part.write(chunk, positionBytes)
    if (!isExit(writing)) {
      return Effect.map(writing, () => this.wrote(claim, positionBytes, chunk))
    }
    if (Exit.isSuccess(writing)) {
      this.wrote(claim, positionBytes, chunk)
    }
    return writing
  }

  private wrote(claim: Claim, positionBytes: number, chunk: Uint8Array): void {
    claim.doneBytes = positionBytes + chunk.length
    if (positionBytes === this.hashedBytes) {
      this.hash?.update(chunk)
      this.hashedBytes += chunk.length
    }
  }

  /** Adds to the digest the bytes that were not received in order. Interruptible between two reads, because it may take long. */
  readBack(part: Part): Effect.Effect<void, Disk> {
    const { bytes: endBytes, hash } = this
    if (hash === undefined || this.hashedBytes === endBytes) {
      return Exit.void
    }
    const buffer = new Uint8Array(Math.min(readBytes, endBytes - this.hashedBytes))
    const more: Effect.Effect<void, Disk> = Effect.suspend(() => {
      const leftBytes = endBytes - this.hashedBytes
      return leftBytes === 0
        ? Effect.void
        : Effect.flatMap(part.read(buffer.subarray(0, leftBytes), this.hashedBytes), (bytes) => {
            if (bytes === 0) {
              return Effect.dieMessage("a part ends before the bytes that were written to it")
            }
            hash.update(buffer.subarray(0, bytes))
            this.hashedBytes += bytes
            return more
          })
    })
    return Effect.interruptible(more)
  }

  /** The digest in hexadecimal digits. Call it once, when all bytes are in the part. */
  digest(): string | undefined {
    const bytes = this.hash?.digest()
    this.hash = undefined
    this.computed =
      bytes === undefined ? undefined : Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
    return this.computed
  }

  /** Removes the part, unless it was published. */
  get discard(): Effect.Effect<void> {
    return this.part?.close("discard") ?? Exit.void
  }
}

const sourceOf = ({ url }: Hop): string => `${url.origin}${url.pathname}`
