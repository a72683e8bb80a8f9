/**
 * Turns the bytes of a list into UTF-8. A list in UTF-16 begins with a byte order mark, or with a character of ASCII, one byte of
 * which is zero. All other bytes stay as they are.
 */
export class Encoding {
  private decoder: InstanceType<typeof TextDecoder> | undefined
  private isKnown = false
  private first: Uint8Array = new Uint8Array(0)

  /** The next bytes. Returns none until the first two bytes are known. */
  convert(bytes: Uint8Array): Uint8Array {
    if (this.isKnown) {
      return this.decoder === undefined ? bytes : encoder.encode(this.decoder.decode(bytes, { stream: true }))
    }
    const all = joined(this.first, bytes)
    if (all.length < 2) {
      this.first = all
      return new Uint8Array(0)
    }
    this.isKnown = true
    const name = utf16Of(all[0] ?? 0, all[1] ?? 0)
    this.decoder = name === undefined ? undefined : new TextDecoder(name)
    return this.convert(all)
  }

  /** The bytes that `convert` has kept back. */
  end(): Uint8Array {
    return this.decoder === undefined
      ? this.isKnown
        ? new Uint8Array(0)
        : this.first
      : encoder.encode(this.decoder.decode())
  }
}

const encoder = new TextEncoder()

const utf16Of = (first: number, second: number): "utf-16le" | "utf-16be" | undefined =>
  (first === 0xff && second === 0xfe) || (first !== 0 && second === 0)
    ? "utf-16le"
    : (first === 0xfe && second === 0xff) || (first === 0 && second !== 0)
      ? "utf-16be"
      : undefined

const joined = (before: Uint8Array, after: Uint8Array): Uint8Array => {
  const all = new Uint8Array(before.length + after.length)
  all.set(before)
  all.set(after, before.length)
  return all
}
