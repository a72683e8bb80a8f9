/**
 * The digest that the content of a transfer must have, and the one that is computed while the content arrives.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Disk } from "../DownloadError.js"
import type { Algorithm, Hasher } from "../Hasher.js"
import type { Expected } from "../internal/digest.js"
import * as DigestFields from "../internal/http/digestFields.js"
import type { Part } from "../Store.js"
import type { ResponseHead } from "../Transport.js"
import { ContentHash } from "./contentHash.js"

export class ContentDigest {
  /** The digest in the head of the version in the part, if the request has none. */
  announced: Expected | undefined
  private hash: ContentHash | undefined

  constructor(
    private readonly hasher: typeof Hasher.Service,
    /** The digest of the request. */
    readonly expected: Expected | undefined,
    /** What to compute if no digest is expected. */
    private readonly algorithm: Algorithm | undefined
  ) {}

  /** The digest that the content must have: of the request, or else of the response. */
  get wanted(): Expected | undefined {
    return this.expected ?? this.announced
  }

  /** Computes the digest from the first byte on. Bytes that are in the part already are read back at the end. */
  start(): void {
    const algorithm = this.wanted?.algorithm ?? this.algorithm
    this.hash = algorithm === undefined ? undefined : new ContentHash(this.hasher, algorithm)
  }

  /** Starts over, without the digest that an earlier response has announced. */
  startOver(): void {
    this.announced = undefined
    this.start()
  }

  /** Takes the digest of the content that a response has announced. */
  announce(head: ResponseHead): void {
    this.announced = DigestFields.ofRepresentation(head)
    if (this.announced !== undefined) {
      this.start()
    }
  }

  wrote(positionBytes: number, chunk: Uint8Array): void {
    this.hash?.wrote(positionBytes, chunk)
  }

  /** Adds the bytes that were not received in order. */
  readBack(part: Part, endBytes: number): Effect.Effect<void, Disk> {
    return this.hash?.readBack(part, endBytes) ?? Exit.void
  }

  /** The digest of the content as `sha256:HEX`. Call it once, when all bytes are in the part. */
  end(): string | undefined {
    const { hash } = this
    this.hash = undefined
    return hash === undefined ? undefined : `${hash.algorithm}:${hash.digest()}`
  }
}
