/**
 * Bytes that were received while a body was paused.
 *
 * @internal
 */
export class KeptBytes {
  private readonly chunks: Array<Uint8Array> = []

  get sizeBytes(): number {
    return this.chunks.reduce((sum, { length }) => sum + length, 0)
  }

  push(bytes: Uint8Array): void {
    this.chunks.push(bytes)
  }

  /** Gives the bytes to `read`, which returns the number of bytes that it has read, until it leaves some. Removes what was read. */
  drain(read: (bytes: Uint8Array) => number): void {
    for (let bytes = this.chunks[0]; bytes !== undefined; bytes = this.chunks[0]) {
      const readBytes = read(bytes)
      if (readBytes < bytes.length) {
        this.chunks[0] = bytes.subarray(readBytes)
        return
      }
      this.chunks.shift()
    }
  }
}

// Not a `Buffer`, whose `slice` is not a copy: the receiver may copy a chunk with it.
export const view = (buffer: Buffer, offsetBytes: number, bytes: number): Uint8Array =>
  new Uint8Array(buffer.buffer, buffer.byteOffset + offsetBytes, bytes)
