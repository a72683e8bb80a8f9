/**
 * The bytes that earlier attempts of a transfer have received: the part, its digest, and the version that the bytes are of. If the
 * request resumes, they may be those of an earlier run.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { DownloadRequest } from "../Download.js"
import type { Disk } from "../DownloadError.js"
import type { Hasher } from "../Hasher.js"
import { andThen, isExit, matchExit } from "../internal/andThen.js"
import type { Expected } from "../internal/digest.js"
import * as Validator from "../internal/http/validator.js"
import type { Durability, Opened, Part, Store } from "../Store.js"
import type { ResponseHead } from "../Transport.js"
import { ContentDigest } from "./contentDigest.js"
import type { Lengths, Version } from "./fileVersion.js"
import type { Left } from "./outcome.js"
import type { Hop } from "./redirect.js"
import * as PartRecord from "./resume/record.js"
import * as ResumeKey from "./resume/resumeKey.js"
import type { ResumeRule } from "./resume/resumeRule.js"
import { type Claim, RangeMap } from "./segments/rangeMap.js"

// After this number of refused ranges, the transfer requests only the whole file.
const refusalsAtMost = 3

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
  /** Whether the bytes of the part were delivered to a reader, and stay if the transfer starts over. */
  isDelivered = false
  /** The number of segment requests of this transfer that failed. */
  failedSegments = 0
  /** The head of the first response whose bytes are in the part. */
  head: ResponseHead | undefined
  /** The digest of the content as `sha256:HEX`, when `digest` has computed it. */
  computed: string | undefined
  private readonly content: ContentDigest
  source: Hop | undefined
  private type = ""
  private refusedRanges = 0
  private isRangeRequested = false
  private before: Version | undefined
  /** The version in the part, if a server has refused a range of it. It may be continued by a later run. */
  private refused: Pick<PartRecord.PartRecord, "totalBytes" | "validator"> | undefined
  /** The number of bytes that an earlier run has received. */
  openedBytes = 0
  /** True if the part has bytes whose total no response has said, and the digest proves them. */
  private mayLackTotal = false
  /** True if the part has bytes that this transfer has not received. */
  isKept = false
  /** The digest of the URL of the version, if it is of an earlier run. */
  private keptSource: string | undefined
  private hasCheckpoint = false
  /** True if the server of the version says that it supports no ranges. */
  private isRangeless = false
  /**
   * True if a whole response to a range request has no length, and its validator is the one of an earlier response. A server that
   * sends the rest of the file with the status 200 looks the same: only the end of the body shows whether the bytes are the file.
   */
  private isUnproven = false

  constructor(
    readonly request: DownloadRequest,
    expected: Expected | undefined,
    readonly hasher: typeof Hasher.Service,
    /** Maximum size of the content. */
    readonly limitBytes: number,
    private readonly firstHop: Hop,
    private readonly rule: ResumeRule
  ) {
    this.content = new ContentDigest(hasher, expected, request.digestAlgorithm)
  }

  get bytes(): number {
    return this.ranges.bytes
  }

  /**
   * The offset at which the next request continues, and its `Range`. The offset is 0, without a `Range`, if the transfer must
   * start over: another version could not be detected, or ranges of this file were refused too often.
   */
  resumeAt(hop: Hop): { readonly offsetBytes: number; readonly range: string | undefined } {
    if (this.part === undefined || !hop.isPlainGet) {
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
    const isOfVersion = this.validator !== undefined
    const isOfDigest = this.wanted !== undefined && (this.totalBytes !== undefined || this.mayLackTotal)
    return !this.isUnproven && (isOfVersion || isOfDigest)
  }

  /** The validator that a response must have. Mirrors have other ones, and the digest of the request proves their bytes. */
  validatorOf(isMirror: boolean): string | undefined {
    return isMirror && this.hasDigest ? undefined : this.validator
  }

  /** The digest that the content must have: of the request, or else of the response. */
  get wanted(): Expected | undefined {
    return this.content.wanted
  }

  /** The digest in the head of the version in the part, if the request has none. */
  get announced(): Expected | undefined {
    return this.content.announced
  }

  private announce(head: ResponseHead): void {
    if (this.wanted === undefined && (!this.isDelivered || this.bytes === 0)) {
      this.content.announce(head)
    }
  }

  /** Records that the bytes of a range are wrong: they are requested again. */
  refuseBytes(claim: Claim): void {
    claim.doneBytes = claim.startBytes
    claim.nextBytes = claim.startBytes
    this.content.start()
  }

  /** Whether the request has a digest, which verifies the whole content at the end. */
  get hasDigest(): boolean {
    return this.content.expected !== undefined
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
    this.mayLackTotal = false
  }

  /** Records that a range request failed: the next attempt starts over without a `Range`. */
  refuseRange(): void {
    this.refusedRanges++
    const { totalBytes, validator } = this
    this.refused ??= { totalBytes, validator }
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

  /** The next requests go to another server. The digest of the request proves more than a validator, which differs between servers. */
  changeSource(): void {
    this.refusedRanges = 0
    this.validator = this.hasDigest ? undefined : this.validator
  }

  /** Records that the assembled content is not the file: the next attempt starts over, on one connection. */
  refuseSegments(): void {
    this.failedSegments = Number.POSITIVE_INFINITY
    this.forget()
  }

  // An entity tag with a length also identifies the file at another URL; a date is valid for one URL (RFC 9110 §8.8.2.2).
  private isFrom(hop: Hop): boolean {
    const { source, totalBytes, validator, wanted } = this
    const isOfAny = validator !== undefined && Validator.isEntityTag(validator) && totalBytes !== undefined
    const isSame = (): boolean =>
      source === undefined
        ? this.keptSource === ResumeKey.ofSource(this.hasher, hop)
        : ResumeKey.sourceOf(source) === ResumeKey.sourceOf(hop)
    return wanted !== undefined || isOfAny || isSame()
  }

  /** Whether a later run may continue the part. */
  get isResumable(): boolean {
    return this.request.resume === true && this.firstHop.isPlainGet
  }

  /** Opens the part that an earlier run has kept, or an empty one. Run it uninterruptible. */
  open(store: typeof Store.Service): Effect.Effect<Opened, Disk> {
    return andThen(store.open(this.request.destination, { resume: this.key }), (opened) => {
      this.part = opened.part
      return Exit.succeed(opened)
    })
  }

  private get key(): string | undefined {
    return this.isResumable ? ResumeKey.ofRequest(this.hasher, this.firstHop, this.content.expected) : undefined
  }

  /** Records what is in the part. */
  restore({ coding, isTotalOfRange, ranges, source, totalBytes, type, url, validator }: PartRecord.PartRecord): void {
    const { firstHop, hasher } = this
    // The validator of another URL with the same content proves nothing here, but the digest does.
    this.validator = url === ResumeKey.ofSource(hasher, firstHop) ? validator : undefined
    this.setTotal(totalBytes)
    this.isTotalOfRange = isTotalOfRange
    this.coding = coding
    this.type = type
    this.keptSource = source
    this.isResumed = true
    this.hasCheckpoint = true
    this.mayLackTotal = totalBytes === undefined
    this.content.start()
    for (const { endBytes, startBytes } of ranges) {
      // Without its last byte the file is not whole: the response to a request for that byte proves that the version is the same.
      const isWhole = startBytes === 0 && endBytes === totalBytes
      this.ranges.add(startBytes, isWhole ? endBytes - 1 : endBytes)
    }
    this.openedBytes = this.bytes
  }

  /** Whether a checkpoint of the part is of use for a later run. */
  get isKeepable(): boolean {
    // A record does not keep the digest of a response.
    const isGuarded = this.isGuarded && (this.validator !== undefined || this.hasDigest)
    return this.isResumable && isGuarded && !this.isRangeless && this.bytes >= this.rule.leastBytes
  }

  /** Keeps the written bytes for a later run, even if the process is killed after that. */
  checkpoint(part: Part, durability: Durability): Effect.Effect<void, Disk> {
    const { coding, firstHop, hasher, isTotalOfRange, ranges, source, totalBytes, type, validator } = this
    const record = PartRecord.encode({
      validator,
      totalBytes,
      isTotalOfRange,
      coding,
      type,
      url: ResumeKey.ofSource(hasher, firstHop),
      source: source === undefined ? (this.keptSource ?? "") : ResumeKey.ofSource(hasher, source),
      ranges: ranges.writtenRanges
    })
    return andThen(part.checkpoint(record, durability), () => {
      this.hasCheckpoint = true
      return Exit.void
    })
  }

  /**
   * Ends the use of the part at the end of a transfer that has not saved its file: keeps the part if a later run can continue it, or
   * else discards it.
   */
  leave(mayContinue: boolean, durability: Durability): Effect.Effect<Left> {
    const { part, refused } = this
    if (part === undefined) {
      return Exit.succeed({})
    }
    if (refused !== undefined && this.validator === undefined && this.totalBytes === undefined) {
      this.validator = refused.validator
      this.setTotal(refused.totalBytes)
    }
    if (!mayContinue || !this.isKeepable) {
      const left = mayContinue ? this.discarded : {}
      return andThen(part.close("discard"), () => Exit.succeed(left))
    }
    // If the disk fails, the last checkpoint still holds.
    return matchExit(this.checkpoint(part, durability), () =>
      andThen(part.close("keep"), () => Exit.succeed(this.hasCheckpoint ? { keptBytes: this.bytes } : {}))
    )
  }

  private get discarded(): Left {
    const { bytes, head, isRangeless, isResumable, rule } = this
    const isUnproven = head !== undefined && Validator.strong(head.headers) === undefined
    const reason = isRangeless ? "no-ranges" : isUnproven ? "no-validator" : undefined
    return isResumable && bytes >= rule.leastBytes && reason !== undefined ? { discarded: { bytes, reason } } : {}
  }

  /** Opens an empty part for a whole response. Run it uninterruptible. */
  startOver(store: typeof Store.Service): Effect.Effect<Part, Disk> {
    this.isResumed = false
    this.ranges = new RangeMap()
    this.content.startOver()
    const { part } = this
    this.refused = undefined
    this.hasCheckpoint = false
    if (part !== undefined && (this.isDelivered || (this.receivedBytes === 0 && !this.isKept))) {
      return Exit.succeed(part)
    }
    this.isKept = false
    this.mayLackTotal = false
    return andThen(part?.close("discard") ?? Exit.void, () => {
      // Not before it is closed: an interruption before that leaves it to the end of the transfer.
      this.part = undefined
      return andThen(this.open(store), (opened) => Exit.succeed(opened.part))
    })
  }

  /** Records the version of a whole response that is accepted. */
  accept(head: ResponseHead, { endBytes, totalBytes }: Lengths, hop: Hop): void {
    const { headers, status } = head
    this.before = this.earlier
    this.head = head
    // 203: a proxy has changed the content (RFC 9110 §15.3.4). A response to a range would not say so.
    this.validator = status === 203 ? undefined : Validator.strong(headers)
    const isSaidToBeBefore = this.validator !== undefined && this.validator === this.before?.validator
    this.isUnproven = this.isRangeRequested && endBytes === undefined && isSaidToBeBefore && !this.hasDigest
    this.setTotal(totalBytes)
    this.isTotalOfRange = false
    this.coding = Validator.contentCodings(headers)
    this.type = Validator.mediaType(headers)
    this.isRangeless = headers["accept-ranges"]?.trim().toLowerCase() === "none"
    this.source = hop
    this.announce(head)
  }

  /** Records the total of a response to a range request that is accepted. */
  acceptRange(totalBytes: number | undefined, head: ResponseHead, hop: Hop): void {
    this.head ??= head
    this.source ??= hop
    this.isTotalOfRange ||= this.totalBytes === undefined
    this.setTotal(totalBytes)
    this.isResumed = true
    this.announce(head)
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
    this.content.wrote(positionBytes, chunk)
  }

  /** Adds to the digest the bytes that were not received in order. */
  readBack(part: Part): Effect.Effect<void, Disk> {
    return this.content.readBack(part, this.bytes)
  }

  /** The digest of the content. Call it once, when all bytes are in the part. */
  digest(): string | undefined {
    this.computed = this.content.end()
    return this.computed
  }

  /** Removes the part, unless it was published. */
  get discard(): Effect.Effect<void> {
    return this.part?.close("discard") ?? Exit.void
  }
}
