/**
 * Before a transfer: whether the request is valid, and what is at the destination.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as RequestProblem from "../Download/requestProblem.js"
import type { DownloadRequest, ExistingFile, Skipped } from "../Download.js"
import { Disk, InvalidRequest } from "../DownloadError.js"
import type { Hasher } from "../Hasher.js"
import { andThen, matchExit } from "../internal/andThen.js"
import * as Digest from "../internal/digest.js"
import * as DisplayUrl from "../internal/text/displayUrl.js"
import * as NormalizedUrl from "../internal/text/normalizedUrl.js"
import * as Printable from "../internal/text/printable.js"
import { type Entry, type Journal, urlKey } from "../Journal.js"
import type { FileInfo, Part, Store } from "../Store.js"
import { fileOf, isSameTime, LocalFile, type Unchanged } from "./localFile.js"
import { Hop } from "./redirect.js"
import * as Aria2Control from "./resume/aria2Control.js"
import { Source } from "./segments/mirrors.js"

/** A valid request, with the parsed values of its fields. */
export interface Checked {
  readonly hop: Hop
  /** The mirrors in their order. Headers and credentials of the request go only to mirrors of its own origin. */
  readonly mirrors: ReadonlyArray<Source>
  readonly expected: Digest.Expected | undefined
}

// A host name has at most 253 characters (RFC 1035 §2.3.4).
const hostLengthAtMost = 253

/** Parses the URL and the digest of a request, or returns why a transfer of it is not possible. */
export const checkRequest = (request: DownloadRequest): Either.Either<Checked, InvalidRequest> => {
  const { digest, url } = request
  const origin = NormalizedUrl.originOf(url)
  const isPlain = origin !== undefined && origin.length <= hostLengthAtMost
  const problem = (isPlain ? undefined : RequestProblem.ofUrl(url)) ?? RequestProblem.ofOtherFields(request)
  const href = isPlain ? url : DisplayUrl.parse(url)?.href
  if (href === undefined || problem !== undefined) {
    return Either.left(new InvalidRequest({ url: DisplayUrl.displayUrl(url), detail: problem ?? "" }))
  }
  const hop = new Hop(href, 0, true, request.method ?? (request.body === undefined ? "GET" : "POST"), request.body)
  return Either.right({
    hop,
    mirrors: request.mirrors === undefined ? noMirrors : request.mirrors.map((mirror) => mirrorOf(hop, mirror)),
    expected: digest === undefined ? undefined : Digest.parse(digest)
  })
}

const noMirrors: ReadonlyArray<Source> = []

const mirrorOf = ({ origin }: Hop, mirror: string): Source => {
  const { href, origin: own } = new URL(mirror)
  return new Source(new Hop(href, 0, own === origin), true)
}

/** What a look at a destination needs. */
export interface Looks {
  readonly store: typeof Store.Service
  readonly hasher: typeof Hasher.Service
  readonly journal: typeof Journal.Service | undefined
  readonly request: DownloadRequest
  readonly expected: Digest.Expected | undefined
  readonly firstHop: Hop
}

/**
 * Looks at the destination. Returns `Unchanged` if the file there is kept without a request, and `LocalFile` if the transfer may
 * replace it. Returns undefined if there is no file, or if the request does not ask what is there. Fails if the request must not
 * find a file.
 */
export const precheck = (looks: Looks, destination: string): Effect.Effect<Unchanged | LocalFile | undefined, Disk> => {
  const { request, store } = looks
  const { onExists } = request
  if (onExists === "overwrite" || onExists === "unique") {
    return Exit.succeed(undefined)
  }
  return andThen(store.stat(destination), (info) => {
    if (info === undefined) {
      return Exit.succeed(undefined)
    }
    switch (onExists) {
      case "fail":
        return Exit.fail(new Disk({ path: Printable.line(destination), reason: "exists", detail: "" }))
      case "skip":
        return Exit.succeed(unchanged("exists", undefined))
      default:
        return compare(looks, destination, info)
    }
  })
}

/** Whether a file is there that an earlier transfer of the URL has saved under its server's name. */
export const isNamedBefore = (
  looks: Omit<Looks, "expected" | "firstHop">,
  file: string
): Effect.Effect<boolean, Disk> =>
  andThen(recordedAt(looks, file), (entry) =>
    entry?.nameFrom === "server" && entry.urlKey === urlKey(looks.hasher, looks.request.url)
      ? isThere(looks, file)
      : Exit.succeed(false)
  )

/** Whether a file is there that is known to be of another URL. With `unique`, every file is of another request. */
export const isOfOther = (looks: Omit<Looks, "expected" | "firstHop">, file: string): Effect.Effect<boolean, Disk> => {
  if (looks.request.onExists === "unique") {
    // The store decides about a directory, and about a path that cannot be looked at.
    return matchExit(isThere(looks, file), (exit) => Exit.succeed(Exit.isSuccess(exit) && exit.value))
  }
  return andThen(recordedAt(looks, file), (entry) =>
    entry?.urlKey === undefined || entry.urlKey === urlKey(looks.hasher, looks.request.url)
      ? Exit.succeed(false)
      : isThere(looks, file)
  )
}

/** What the journal knows about a file, if the request keeps files for what is known about them. */
const recordedAt = (
  { journal, request: { onExists } }: Omit<Looks, "expected" | "firstHop">,
  file: string
): Effect.Effect<Entry | undefined> =>
  journal === undefined || (onExists !== "update" && onExists !== "sync")
    ? Exit.succeed(undefined)
    : andThen(journal.last(file), (entry) => Exit.succeed(entry?.bytes === undefined ? undefined : entry))

const isThere = ({ store }: Pick<Looks, "store">, file: string): Effect.Effect<boolean, Disk> =>
  andThen(store.stat(file), (info) => Exit.succeed(info !== undefined))

const compare = (looks: Looks, destination: string, info: FileInfo): Effect.Effect<Unchanged | LocalFile> => {
  const { expected, firstHop, hasher, journal, request, store } = looks
  const other = new LocalFile(info, undefined, false)
  const { sizeBytes } = info
  // The content of a file that the request's method or body makes is not known by its URL.
  if (sizeBytes === undefined || !firstHop.isPlainGet || sizeBytes !== (request.sizeBytes ?? sizeBytes)) {
    return Exit.succeed(other)
  }
  const known = journal === undefined ? Exit.succeed(undefined) : journal.last(destination)
  return andThen(known, (entry) => {
    const isRecorded =
      entry !== undefined && entry.bytes === sizeBytes && isSameTime(entry.modifiedMillis, info.modifiedMillis)
    if (expected !== undefined) {
      return isRecorded && isExpected(expected, entry.digest ?? "")
        ? Exit.succeed(unchanged("recorded", recordedFile(entry, info)))
        : andThen(verify(looks, expected, destination, info), (found) => Exit.succeed(found ?? other))
    }
    if (entry?.bytes === undefined) {
      // The name of a file does not show the query of its URL: the file of another query may have the same size.
      return firstHop.url.search === ""
        ? andThen(isUnfinished(store, destination), (isOther) =>
            Exit.succeed(isOther ? other : new LocalFile(info, undefined, true))
          )
        : Exit.succeed(other)
    }
    if (!isRecorded || entry.urlKey !== urlKey(hasher, request.url)) {
      return Exit.succeed(other)
    }
    return Exit.succeed(
      request.onExists === "update"
        ? unchanged("recorded", recordedFile(entry, info))
        : new LocalFile(info, entry, false)
    )
  })
}

/** Whether aria2 has not finished a file. It gives the file its size before it has the content. */
const isUnfinished = (store: typeof Store.Service, file: string): Effect.Effect<boolean> =>
  Effect.match(store.stat(Aria2Control.pathOf(file)), {
    onFailure: () => false,
    onSuccess: (control) => control !== undefined
  })

/** Whether the file has the bytes of the part, which has the same size. False if one of them cannot be read. */
export const isSameContent = (store: typeof Store.Service, file: string, part: Part): Effect.Effect<boolean> =>
  store.read(file).pipe(
    Stream.runFoldWhileEffect(
      { endBytes: 0, isSame: true },
      ({ isSame }) => isSame,
      ({ endBytes }, chunk) =>
        Effect.map(isAt(part, chunk, endBytes), (isSame) => ({ endBytes: endBytes + chunk.length, isSame }))
    ),
    Effect.match({ onFailure: () => false, onSuccess: ({ isSame }) => isSame })
  )

/** Whether the part has these bytes at this position. A read may return fewer bytes than are asked for. */
const isAt = (part: Part, expected: Uint8Array, positionBytes: number): Effect.Effect<boolean, Disk> => {
  if (expected.length === 0) {
    return Effect.succeed(true)
  }
  const found = new Uint8Array(expected.length)
  return Effect.flatMap(part.read(found, positionBytes), (count) =>
    count > 0 && found.subarray(0, count).every((byte, index) => byte === expected[index])
      ? isAt(part, expected.subarray(count), positionBytes + count)
      : Effect.succeed(false)
  )
}

/** Computes the digest of the file. Returns undefined if it is another one, or if the file cannot be read. */
export const verify = (
  { hasher, store }: Pick<Looks, "hasher" | "store">,
  expected: Digest.Expected,
  destination: string,
  info: FileInfo
): Effect.Effect<Unchanged | undefined> =>
  Effect.suspend(() => {
    const hash = hasher.make(expected.algorithm)
    const hashed = Stream.runForEach(store.read(destination), (chunk) => Effect.sync(() => hash.update(chunk)))
    return Effect.match(hashed, {
      onFailure: () => undefined,
      onSuccess: () => {
        const digest = `${expected.algorithm}:${Encoding.encodeHex(hash.digest())}`
        return isExpected(expected, digest) ? unchanged("verified", { ...fileOf(info), digest }) : undefined
      }
    })
  })

const isExpected = ({ algorithm, digests }: Digest.Expected, digest: string): boolean =>
  digests.some((one) => `${algorithm}:${one}` === digest)

const unchanged = (how: Skipped["reason"], file: ExistingFile | undefined): Unchanged => ({
  _tag: "Unchanged",
  how,
  file
})

const recordedFile = ({ digest, etag, finalUrl, lastModified, url }: Entry, info: FileInfo): ExistingFile => ({
  ...fileOf(info),
  url: finalUrl ?? url,
  ...(etag === undefined ? {} : { etag }),
  ...(lastModified === undefined ? {} : { lastModified }),
  ...(digest === undefined ? {} : { digest })
})
