/**
 * What a request must do with the file that is at its path before a run.
 */

import type { Line } from "./journalLines.js"
import { hasOwnPath, type Plan, pathOf } from "./Plan.js"
import type { Version } from "./versions.js"

/** A file on the disk. */
export interface LocalFile {
  readonly content: Uint8Array
  readonly modifiedMillis: number | undefined
}

export interface Expected {
  /** The outcome: its tag, or the reason of a skipped file. `refused`: the request fails because there is a file. */
  readonly outcome: "Saved" | "NotModified" | "recorded" | "verified" | "same-size" | "exists" | "refused"
  /** The number of requests, if none of them meets a fault. */
  readonly requests: number
}

export const isEqual = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index])

/** Whether a file has the size and the time that its line says. */
export const isAsRecorded = (file: LocalFile | undefined, line: Line | undefined): boolean =>
  file !== undefined &&
  line !== undefined &&
  file.content.length === line.bytes &&
  (file.modifiedMillis === undefined ||
    line.modifiedMillis === undefined ||
    Math.abs(file.modifiedMillis - line.modifiedMillis) < 2000)

/** Undefined if it depends on the order of the requests. `line`: the last one for the path. */
export const expectedOf = (
  plan: Plan,
  version: Version,
  file: LocalFile | undefined,
  line: Line | undefined
): Expected | undefined => {
  const { item } = version
  const hops = item.isMoved ? 2 : 1
  if (!hasOwnPath(plan, item)) {
    return undefined
  }
  if (file === undefined || item.onExists === "unique") {
    return { outcome: "Saved", requests: hops }
  }
  if (item.onExists === "fail" || item.onExists === "skip") {
    return { outcome: item.onExists === "fail" ? "refused" : "exists", requests: hops }
  }
  // The path is known before the first request, or after it.
  const alone = item.serverName === undefined ? 0 : hops
  const isRecorded = isAsRecorded(file, line)
  if (item.hasDigest) {
    return isRecorded && line?.digest === version.digest
      ? { outcome: "recorded", requests: alone }
      : isEqual(file.content, version.content)
        ? { outcome: "verified", requests: alone }
        : { outcome: "Saved", requests: hops }
  }
  if (line === undefined) {
    return { outcome: isOfSameSize(version, file) ? "same-size" : "Saved", requests: hops }
  }
  if (!isRecorded || line.url !== version.requestUrl) {
    return { outcome: "Saved", requests: hops }
  }
  return item.onExists === "update" ? { outcome: "recorded", requests: alone } : asked(version, file, line, hops)
}

/** What a request with `onExists: "sync"` does with a recorded file. */
const asked = (version: Version, file: LocalFile, line: Line, hops: number): Expected => {
  const { conditions, serverName } = version.item
  if (line.etag === undefined && line.lastModified === undefined) {
    return { outcome: isOfSameSize(version, file) ? "same-size" : "Saved", requests: hops }
  }
  // A condition needs the path, and says nothing about another URL.
  if (serverName !== undefined || line.finalUrl !== version.finalUrl) {
    return { outcome: "Saved", requests: hops }
  }
  const isSame = line.etag === version.etag && line.lastModified === version.lastModified
  switch (conditions) {
    case "heeded":
      return { outcome: isSame ? "NotModified" : "Saved", requests: hops }
    case "mistaken":
      return { outcome: "Saved", requests: hops * 2 }
    case "ignored":
      return {
        outcome: isSame && isProof(version) && version.item.isLengthAnnounced ? "NotModified" : "Saved",
        requests: hops
      }
  }
}

/** Whether the validator of a whole response identifies the version. */
const isProof = ({ item: { isOfFuture, validators } }: Version): boolean =>
  validators === "strong" || validators === "both" || (validators === "date" && !isOfFuture)

const isOfSameSize = ({ content, item, modifiedMillis }: Version, file: LocalFile): boolean =>
  item.isLengthAnnounced &&
  content.length === file.content.length &&
  (modifiedMillis === undefined || file.modifiedMillis === undefined || modifiedMillis - file.modifiedMillis < 2000)

/** The files on a disk that are neither parts nor journals. */
export const namedFiles = (
  files: ReadonlyMap<string, Uint8Array>,
  times: ReadonlyMap<string, number | undefined>
): ReadonlyMap<string, LocalFile> =>
  new Map(
    Array.from(files).flatMap(([path, content]) =>
      path.startsWith("/d/") && !path.startsWith("/d/.")
        ? [[path, { content, modifiedMillis: times.get(path) }] as const]
        : []
    )
  )

/** Whether a file at this path can be of the item. */
export const mayHavePath = ({ item }: Version, path: string): boolean => {
  const own = pathOf(item)
  return path === own || (item.serverName !== undefined && path.startsWith(`${own.replace(/\.bin$/, "")}-`))
}

/** The path that the item gets in a run, if no other item takes it: the first that is not known to be of another URL. */
export const pathBefore = (
  { item, requestUrl }: Version,
  files: ReadonlyMap<string, LocalFile>,
  lines: ReadonlyMap<string, Line>
): string => {
  const own = pathOf(item)
  const isOfOther = (path: string) => files.has(path) && (lines.get(path)?.url ?? requestUrl) !== requestUrl
  let path = own
  const keepsOthers = item.serverName !== undefined && (item.onExists === "update" || item.onExists === "sync")
  for (let number = 2; keepsOthers && isOfOther(path); number++) {
    path = own.replace(/\.bin$/, `-${number}.bin`)
  }
  return path
}
