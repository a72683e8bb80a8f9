/**
 * The blocks of a tar beside the contents: the header of an entry, the padding after its content, and the end of the tar.
 *
 * @internal
 */
import { Header } from "tar/header"
import { Pax } from "tar/pax"

const blockBytes = 512

/** A size that a header without extension can say: 8 GiB - 1 B. */
const plainBytesAtMost = 0o77777777777

/** The two zero blocks after the last entry. */
export const end: Uint8Array = new Uint8Array(2 * blockBytes)

/** The bytes that fill the last block of a content. */
export const padding = (sizeBytes: number): Uint8Array =>
  end.subarray(0, (blockBytes - (sizeBytes % blockBytes)) % blockBytes)

/**
 * The header of a file. A name that is long or not ASCII, and a size from 8 GiB, stand in an extended header before it (pax, POSIX
 * 1003.1).
 */
export const header = (name: string, sizeBytes: number, modifiedMillis: number): Uint8Array => {
  const entry = new Header({
    path: name,
    size: sizeBytes,
    mtime: new Date(Math.max(0, modifiedMillis)),
    type: "File",
    mode: 0o644,
    uid: 0,
    gid: 0
  })
  const isExtended = entry.encode()
  const block = entry.block ?? new Uint8Array(blockBytes)
  const size = sizeBytes > plainBytesAtMost ? { size: sizeBytes } : {}
  return isExtended ? concat([new Pax({ path: name, ...size }).encode(), block]) : block
}

export const concat = (chunks: ReadonlyArray<Uint8Array>): Uint8Array => {
  const all = new Uint8Array(chunks.reduce((bytes, chunk) => bytes + chunk.length, 0))
  let positionBytes = 0
  for (const chunk of chunks) {
    all.set(chunk, positionBytes)
    positionBytes += chunk.length
  }
  return all
}
