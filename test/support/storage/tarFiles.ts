/**
 * Readers of tars, other than the library that writes the headers: GNU tar, and modern-tar with the rules of WebDataset.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { unpackTar } from "modern-tar"

export interface Entry {
  readonly name: string
  readonly text: string
}

/** Reads a tar to its end, and checks it strictly. */
export const entriesOf = async (tar: Uint8Array): Promise<ReadonlyArray<Entry>> =>
  (await unpackTar(tar, { strict: true })).map(({ data, header }) => ({
    name: header.name,
    text: new TextDecoder().decode(data)
  }))

/**
 * Groups entries as `webdataset.tariterators.group_by_keys` does: adjacent entries with the same name up to the first dot of their
 * last segment are one sample, and two fields of a sample have different names.
 */
export const samplesOf = (entries: ReadonlyArray<Entry>): ReadonlyArray<Readonly<Record<string, string>>> => {
  const samples: Array<Record<string, string>> = []
  for (const { name, text } of entries) {
    if (/^__[^/]*__($|\/)/.test(name)) {
      continue
    }
    const [, key, suffix] = /^((?:.*\/|)[^.]+)[.]([^/]*)$/.exec(name) ?? []
    if (key === undefined || suffix === undefined) {
      continue
    }
    let sample = samples.at(-1)
    if (sample?.["__key__"] !== key) {
      sample = { __key__: key }
      samples.push(sample)
    }
    const field = suffix.toLowerCase()
    if (field in sample) {
      throw new Error(`duplicate field ${field} in sample ${key}`)
    }
    sample[field] = text
  }
  return samples
}

/** Runs GNU tar, which fails if it has a warning. */
const gnuTar = (...parameters: ReadonlyArray<string>): string => {
  const { status, stderr, stdout } = spawnSync("tar", parameters, {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C.UTF-8", TZ: "UTC" }
  })
  if (status !== 0 || stderr !== "") {
    throw new Error(`tar ${parameters.join(" ")}: ${status} ${stderr}`)
  }
  return stdout
}

/** The lines of `tar -tv`, and the files that `tar -x` makes. */
export const unpackedByTar = (
  tar: Uint8Array
): { readonly lines: ReadonlyArray<string>; readonly files: ReadonlyMap<string, string> } => {
  const directory = mkdtempSync(join(tmpdir(), "tar-"))
  try {
    const path = join(directory, "a.tar")
    writeFileSync(path, tar)
    const lines = gnuTar("-tv", "--quoting-style=literal", "-f", path).trim().split("\n")
    const into = mkdtempSync(join(directory, "into-"))
    gnuTar("-x", "-C", into, "-f", path)
    const files = new Map(
      readdirSync(into, { recursive: true, withFileTypes: true })
        .filter((found) => found.isFile())
        .map((found) => {
          const file = join(found.parentPath, found.name)
          return [file.slice(into.length + 1), readFileSync(file, "utf8")] as const
        })
    )
    return { lines, files }
  } finally {
    rmSync(directory, { recursive: true })
  }
}
