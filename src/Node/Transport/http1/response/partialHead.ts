/**
 * The beginning of a head that arrives in several reads.
 *
 * @internal
 */
export class PartialHead {
  buffer: Buffer = Buffer.alloc(0)
  sizeBytes = 0
  private parsedBytes = 0

  /** Copies received bytes. Returns true if the head should be parsed now: each byte is parsed at most twice, however small the reads are. */
  append(bytes: Buffer, countBytes: number): boolean {
    const startBytes = this.sizeBytes
    this.sizeBytes += countBytes
    if (this.sizeBytes > this.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(1024, 2 * this.sizeBytes))
      this.buffer.copy(larger, 0, 0, startBytes)
      this.buffer = larger
    }
    bytes.copy(this.buffer, startBytes, 0, countBytes)
    return (
      this.sizeBytes >= 2 * this.parsedBytes ||
      mayContainEmptyLine(this.buffer.subarray(Math.max(0, startBytes - 2), this.sizeBytes))
    )
  }

  /** Removes all bytes. */
  clear(): void {
    this.sizeBytes = 0
    this.parsedBytes = 0
  }

  /** Notes that all bytes were parsed, and that they do not contain the end of the head. */
  parsed(): void {
    this.parsedBytes = this.sizeBytes
  }
}

const mayContainEmptyLine = (bytes: Buffer): boolean =>
  bytes.includes("\n\r\n", 0, "latin1") || bytes.includes("\n\n", 0, "latin1")
