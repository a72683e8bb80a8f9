/**
 * What earlier attempts of a transfer have received: the part, its digest, and what is known of the version it is of.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { DownloadRequest } from "../Download.js"
import type { Disk } from "../DownloadError.js"
import type { Hash, Hasher } from "../Hasher.js"
import { isExit } from "../internal/andThen.js"
import type { Expected } from "../internal/digest.js"
import * as Validator from "../internal/http/validator.js"
import type { Part, Store } from "../Store.js"
import type { ResponseHead } from "../Transport.js"
import { type Claim, Coverage, claimOf } from "./segments/rangeMap.js"

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

const sourceOf = ({ origin, pathname }: URL): string => `${origin}${pathname}`

export class Kept {
  part: Part | undefined
  /** Removes what was not published. */
  discard: Effect.Effect<void> = Effect.void
  validator: string | undefined
  totalBytes: number | undefined
  /** Whether `totalBytes` comes from the response to a range request, and no whole response has said it. */
  isTotalOfRange = false
  /** The content codings of the version in the part. */
  coding = ""
  /** The bytes received by all attempts, also those that started over. */
  receivedBytes = 0
  /** Whether the part has bytes from a response to a range request. */
  resumed = false
  /** What is there, where it did not come from the beginning to the end. */
  coverage: Coverage | undefined
  /** Segments of this transfer that came to nothing. */
  failedSegments = 0
  private hash: Hash | undefined
  /** The bytes in the part, if they came from the beginning to the end. */
  private writtenBytes = 0
  private hashedBytes = 0
  private source: string | undefined
  private type = ""
  private refusedRanges = 0
  private isRangeAsked = false
  private left: Version | undefined

  constructor(
    private readonly request: DownloadRequest,
    private readonly expected: Expected | undefined,
    private readonly hasher: typeof Hasher.Service,
    /** Maximum size of the content. */
    readonly limitBytes: number
  ) {
    this.hash = expected === undefined ? undefined : hasher.make(expected.algorithm)
  }

  get bytes(): number {
    return this.coverage?.bytes ?? this.writtenBytes
  }

  /**
   * The offset at which the next request continues, and its `Range`. The offset is 0, without a `Range`, if the transfer must
   * start over: another version could not be detected, or ranges of this file were refused too often.
   */
  resumeAt(url: URL): { readonly offsetBytes: number; readonly range: string | undefined } {
    const { bytes, coverage } = this
    const hole = coverage?.holes()[0]
    const offsetBytes = coverage === undefined ? bytes : (hole?.startBytes ?? 0)
    // A write that was given up in between leaves the part and its digest apart; a coverage counts what was written.
    const isWhole = coverage !== undefined || bytes === this.hashedBytes
    const isUnfinished = bytes < (this.totalBytes ?? Number.POSITIVE_INFINITY)
    const isRefused = this.refusedRanges >= refusalsAtMost
    this.isRangeAsked = this.isGuarded && isWhole && isUnfinished && offsetBytes > 0 && !isRefused && this.isFrom(url)
    if (!this.isRangeAsked) {
      return { offsetBytes: 0, range: undefined }
    }
    const isLast = hole === undefined || hole.endBytes === this.totalBytes
    return { offsetBytes, range: `bytes=${offsetBytes}-${isLast ? "" : hole.endBytes - 1}` }
  }

  /** Whether something would show that bytes are of another version. */
  get isGuarded(): boolean {
    return this.validator !== undefined || (this.isOfDigest && this.totalBytes !== undefined)
  }

  /** Whether the request has a digest, which verifies the whole content at the end. */
  get isOfDigest(): boolean {
    return this.expected !== undefined
  }

  /** The version of the last whole response that was accepted. */
  get earlier(): Version | undefined {
    const { bytes, coding, totalBytes, type, validator } = this
    const isKnown = validator !== undefined || totalBytes !== undefined
    const saidBytes = this.isTotalOfRange ? undefined : totalBytes
    return isKnown ? { coding, leastBytes: bytes, totalBytes: saidBytes, type, validator } : this.left
  }

  /** Records the version of a whole response that is accepted. */
  begun({ headers, status }: ResponseHead, totalBytes: number | undefined, url: URL): void {
    this.left = this.earlier
    // 203: a proxy has changed the content (RFC 9110 §15.3.4). A response to a range would not say so.
    this.validator = status === 203 ? undefined : Validator.strong(headers)
    this.totalBytes = totalBytes
    this.isTotalOfRange = false
    this.coding = Validator.contentCodings(headers)
    this.type = Validator.mediaType(headers)
    this.source = sourceOf(url)
  }

  /** Records that a range request failed: the next attempt starts over without a `Range`. */
  refuseRange(): void {
    this.refusedRanges++
    this.forget()
  }

  /** Calls `refuseRange` if the last request had a `Range`, and returns whether it had. */
  refuseLastRange(): boolean {
    const { isRangeAsked } = this
    if (isRangeAsked) {
      this.refuseRange()
    }
    return isRangeAsked
  }

  /** Records that the assembled content is not the file: the next attempt starts over, on one connection. */
  refuseSegments(): void {
    this.failedSegments = Number.POSITIVE_INFINITY
    this.forget()
  }

  // An entity tag with a length also identifies the file at another URL; a date is valid for one URL (RFC 9110 §8.8.2.2).
  private isFrom(url: URL): boolean {
    const { isOfDigest, source, totalBytes, validator } = this
    const isOfAny = validator !== undefined && Validator.isEntityTag(validator) && totalBytes !== undefined
    return isOfDigest || isOfAny || source === sourceOf(url)
  }

  /** Makes the next attempt start over. */
  forget(): void {
    this.left = this.earlier
    this.validator = undefined
    this.totalBytes = undefined
    this.hashedBytes = Number.NaN
  }

  /** Opens the part, or empties the one that there is. */
  begin(store: typeof Store.Service): Effect.Effect<Part, Disk> {
    return Effect.suspend(() => {
      this.resumed = false
      this.coverage = undefined
      this.writtenBytes = 0
      this.hashedBytes = 0
      this.hash = this.expected === undefined ? undefined : this.hasher.make(this.expected.algorithm)
      const { part } = this
      if (part !== undefined) {
        return Effect.as(part.truncate, part)
      }
      return Effect.uninterruptible(
        Effect.map(store.open(this.request.destination), (opened) => {
          this.adopt(opened)
          return opened
        })
      )
    })
  }

  /** Takes a part that is there, as the first one. */
  adopt(part: Part): void {
    this.part = part
    this.discard = part.discard
  }

  /** What a response brings that begins at `startBytes`: up to where something is there already. */
  claim(startBytes: number, endBytes: number | undefined): Claim {
    const { coverage } = this
    const hole = coverage?.holes()[0]
    return coverage === undefined || hole === undefined
      ? claimOf(startBytes, endBytes ?? Number.POSITIVE_INFINITY)
      : coverage.claim(startBytes, Math.min(hole.endBytes, endBytes ?? hole.endBytes))
  }

  /** From now on bytes may come in any order; not while a chunk is being written. */
  cover(claim: Claim): Coverage | undefined {
    const { totalBytes } = this
    if (this.coverage !== undefined || totalBytes === undefined) {
      return this.coverage
    }
    if (this.writtenBytes === claim.nextBytes && this.hashedBytes === claim.nextBytes && claim.nextBytes > 0) {
      this.coverage = new Coverage(totalBytes)
      this.coverage.add(0, claim.nextBytes)
      claim.startBytes = claim.doneBytes = claim.nextBytes
      this.coverage.adopt(claim)
      this.resumed = true
    }
    return this.coverage
  }

  extend(claim: Claim, upToBytes: number): boolean {
    return this.coverage?.extend(claim, upToBytes) ?? false
  }

  /** Writes what comes next of a claim. */
  take(part: Part, claim: Claim, chunk: Uint8Array): Effect.Effect<void, Disk> | undefined {
    const positionBytes = claim.nextBytes
    this.receivedBytes += chunk.length
    claim.nextBytes += chunk.length
    const writing = part.write(chunk, positionBytes)
    if (!isExit(writing)) {
      return Effect.map(writing, () => this.written(claim, chunk, positionBytes))
    }
    if (Exit.isFailure(writing)) {
      return writing
    }
    this.written(claim, chunk, positionBytes)
    return undefined
  }

  private written(claim: Claim, chunk: Uint8Array, positionBytes: number): void {
    const endBytes = positionBytes + chunk.length
    claim.doneBytes = endBytes
    if (this.coverage === undefined) {
      this.writtenBytes = endBytes
    }
    if (positionBytes === this.hashedBytes) {
      this.hash?.update(chunk)
      this.hashedBytes = endBytes
    }
  }

  /** Takes into the digest what did not come in order. */
  readBack(part: Part): Effect.Effect<void, Disk> {
    if (this.hash === undefined || this.coverage === undefined) {
      return Effect.void
    }
    const { totalBytes } = this.coverage
    const buffer = new Uint8Array(Math.min(readBytes, totalBytes - this.hashedBytes))
    const more: Effect.Effect<void, Disk> = Effect.suspend(() => {
      const leftBytes = totalBytes - this.hashedBytes
      return leftBytes === 0
        ? Effect.void
        : Effect.flatMap(part.read(buffer.subarray(0, leftBytes), this.hashedBytes), (bytes) => {
            if (bytes === 0) {
              return Effect.dieMessage("a part ends before what was written")
            }
            this.hash?.update(buffer.subarray(0, bytes))
            this.hashedBytes += bytes
            return more
          })
    })
    return more
  }

  /** In hexadecimal digits; to be asked once, when all is there. */
  digest(): string | undefined {
    const bytes = this.hash?.digest()
    this.hash = undefined
    return bytes === undefined ? undefined : Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  }
}

const readBytes = 1024 * 1024
