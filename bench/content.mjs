// What the servers give: files drawn from fixed keys, and their digests.
import { createCipheriv, createHash } from "node:crypto"
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"

const smallFiles = 10_000
const tinyFiles = 100
const mebibyte = 1024 * 1024

const digestOf = (bytes) => createHash("sha256").update(bytes).digest("hex")

const noise = (label) => {
  const key = createHash("sha256").update(label).digest()
  const cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16))
  return (bytes) => cipher.update(Buffer.alloc(bytes))
}

const small = (root) => {
  mkdirSync(join(root, "small"))
  const next = noise("small")
  return Array.from({ length: smallFiles }, (_, index) => {
    const bytes = next(4096 + ((index * 2654435761) % 4097))
    writeFileSync(join(root, "small", `${String(index).padStart(4, "0")}.bin`), bytes)
    return digestOf(bytes)
  })
}

const tiny = (root) => {
  mkdirSync(join(root, "tiny"))
  return Array.from({ length: tinyFiles }, (_, index) => {
    const bytes = Buffer.from(`tiny ${String(index).padStart(4, "0")}\n`)
    writeFileSync(join(root, "tiny", `${String(index).padStart(2, "0")}.bin`), bytes)
    return digestOf(bytes)
  })
}

const large = (root, mebibytes) => {
  mkdirSync(join(root, "large"), { recursive: true })
  const next = noise("large")
  const hash = createHash("sha256")
  const file = openSync(join(root, "large", `${mebibytes}.bin`), "wx")
  for (let written = 0; written < mebibytes; written++) {
    const bytes = next(mebibyte)
    hash.update(bytes)
    writeSync(file, bytes)
  }
  closeSync(file)
  return hash.digest("hex")
}

/** Each kind is made when it is first asked for. A file is `{ path, name, digest }`; its name is the end of its path. */
export const makeContent = (root) => {
  const made = new Map()
  const once = (key, make) => {
    if (!made.has(key)) {
      made.set(key, make())
    }
    return made.get(key)
  }
  // The server knows a file by the last digits of its name, so that a million names need few files there.
  const numbered = (folder, digests, count) =>
    Array.from({ length: count }, (_, index) => {
      const name = `${String(index).padStart(8, "0")}.bin`
      return { path: `/${folder}/${name}`, name, digest: digests[index % digests.length] }
    })
  return {
    root,
    small: (count) =>
      numbered(
        "small",
        once("small", () => small(root)),
        count
      ),
    tiny: (count) =>
      numbered(
        "tiny",
        once("tiny", () => tiny(root)),
        count
      ),
    large: (mebibytes, folder = "large") => {
      const digest = once(mebibytes, () => large(root, mebibytes))
      return [{ path: `/${folder}/${mebibytes}.bin`, name: `${mebibytes}.bin`, digest }]
    }
  }
}

/** Where the flags that `halyard flags` brings along stand. */
export const flagsDirectory = () =>
  join(dirname(createRequire(import.meta.url).resolve("famfamfam-flags/package.json")), "dist", "gif")

export const flagDigest = (code) => digestOf(readFileSync(join(flagsDirectory(), `${code}.gif`)))
