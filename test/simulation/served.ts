/**
 * The responses of the origins of a scenario: every version of every file, and the faults.
 */
import { sha256 } from "@noble/hashes/sha2.js"
import * as Origin from "../../src/testing/Origin.js"
import { type Job, type Mirror, type RangeFault, versionsOf } from "./Scenario.js"

/** The content of a version of a file. Some later versions are shorter. */
export const contentOf = (job: Job, version: number): Uint8Array => {
  let state = (job.index * 7919 + version * 104729 + 12345) >>> 0
  const content = new Uint8Array(version % 2 === 0 ? job.sizeBytes : Math.ceil(job.sizeBytes * 0.8))
  for (let at = 0; at < content.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    content[at] = state >>> 24
  }
  return content
}

export const digestOf = (job: Job): string =>
  `sha256:${Array.from(sha256(contentOf(job, versionsOf(job) - 1)), (byte) => byte.toString(16).padStart(2, "0")).join("")}`

/** The version that is served to the request of this turn. After the first run, the turn is larger than the number of faults. */
export const versionAt = (job: Job, turn: number): number =>
  job.faults.slice(0, turn + 1).filter(({ kind }) => kind === "changed").length +
  (job.isChangedLater && turn > job.faults.length ? 1 : 0)

/** The strong validator of a version. */
export const tagOf = ({ index }: Job, version: number): string => `"${index}.${version}"`

const httpDate = (atMillis: number): string => new Date(atMillis).toUTCString()

/** The response of the origin. */
export const replyTo = (job: Job, request: Origin.Request, turn: number, nowMillis: number): Origin.Reply => {
  const fault = job.faults[turn]
  const version = versionAt(job, turn)
  const content = contentOf(job, version)
  const pace: Origin.Reply = { delay: 5, chunkBytes: job.chunkBytes, chunkDelay: job.chunkMillis }
  const tag = tagOf(job, version)
  const etag = job.validator === "strong" ? tag : job.validator === "weak" ? `W/${tag}` : undefined
  const served = ranged(job, request, Origin.file(asUnderstood(job, request), content, { ...pace, etag }))
  const sized = job.isLengthAnnounced || served.status !== 200 ? served : withoutLength(served)
  const reply: Origin.Reply = job.isDripping ? { ...sized, breakAt: { bytes: 1, how: "close" } } : sized
  if (fault === undefined) {
    return reply
  }
  switch (fault.kind) {
    case "refused":
    case "dns":
    case "reset":
    case "silence":
      return { delay: fault.millis ?? 5, instead: fault.kind }
    case "status":
      return {
        delay: 5,
        status: fault.status,
        body: "an error page",
        headers: {
          "content-length": "13",
          ...(fault.retryAfter === undefined
            ? {}
            : {
                "retry-after":
                  fault.retryAfter === "date" ? httpDate(nowMillis + (fault.afterMillis ?? 0)) : fault.retryAfter
              })
        }
      }
    case "break":
      return { ...reply, breakAt: { bytes: fault.at, how: fault.how } }
    case "slow":
      return { ...reply, chunkBytes: 1, chunkDelay: 900 }
    case "excess":
      return reply.status === 200 && job.isLengthAnnounced
        ? { ...reply, body: Uint8Array.of(...content, 1, 2, 3), chunkBytes: content.length + 3 }
        : reply
    case "redirect":
      return {
        delay: 5,
        status: 302,
        body: "",
        headers: { "content-length": "0", location: locationOf(job, fault.to) }
      }
    case "range":
      return isNoticeable(job, fault.how) ? lyingAbout(reply, content, fault.how, request) : reply
    case "changed":
      return reply
  }
}

/** The content of a mirror. Another version has an even number if its size is the same. */
export const contentOfMirror = (job: Job, { kind }: Mirror, version: number): Uint8Array =>
  kind === "stale" || kind === "weak"
    ? contentOf(job, 1000)
    : kind === "shorter"
      ? contentOf(job, 1001)
      : contentOf(job, version)

/** The response of a mirror, whose first server has this version. */
export const replyOfMirror = (job: Job, mirror: Mirror, request: Origin.Request, version: number): Origin.Reply => {
  const { kind } = mirror
  if (kind === "dead") {
    return { delay: 100 + job.index * 40, instead: "refused" }
  }
  if (kind === "busy") {
    return { delay: 5, status: 503, headers: { "content-length": "0", "retry-after": "1" } }
  }
  // Two servers with one strong tag have one content.
  const tagged = kind === "tagged" ? 2000 + version : kind === "stale" ? 1000 : kind === "shorter" ? 1001 : version
  const tag = tagOf(job, tagged)
  const etag = job.validator === "strong" && kind !== "weak" ? tag : job.validator === "none" ? undefined : `W/${tag}`
  const asked = kind === "whole" ? { ...request, headers: {} } : asUnderstood(job, request)
  const pace: Origin.Reply = { delay: 5, chunkBytes: job.chunkBytes, chunkDelay: job.chunkMillis }
  const reply = Origin.file(asked, contentOfMirror(job, mirror, version), { ...pace, etag })
  // At least 2 % of the file in each response, so that the run ends.
  const breakBytes = 1 + Math.floor(job.sizeBytes / 50) + (job.index % 3) * 50
  return kind === "broken" ? { ...reply, breakAt: { bytes: breakBytes, how: "close" } } : reply
}

/** The request without the fields that the origin does not support. */
const asUnderstood = ({ ranges }: Job, request: Origin.Request): Origin.Request => {
  const { "if-range": _, range, ...headers } = request.headers
  switch (ranges) {
    case "guarded":
    case "open":
    case "refused":
      return request
    case "unguarded":
      return { ...request, headers: range === undefined ? headers : { ...headers, range } }
    case "none":
      return { ...request, headers }
  }
}

/** Changes a correct response to a request for a range as `ranges` of the job says. */
const ranged = ({ index, ranges, sizeBytes }: Job, request: Origin.Request, honest: Origin.Reply): Origin.Reply => {
  if (request.headers["range"] === undefined || honest.status !== 206 || typeof honest.body !== "object") {
    return honest
  }
  if (ranges === "refused") {
    return { delay: 5, status: index % 2 === 0 ? 403 : 503, headers: { "content-length": "0" } }
  }
  if (ranges !== "open") {
    return honest
  }
  const start = Number(/\d+/.exec(request.headers["range"])?.[0])
  const body = honest.body.subarray(0, Math.ceil(sizeBytes / 4))
  return {
    ...honest,
    headers: {
      ...honest.headers,
      "content-length": `${body.length}`,
      "content-range": `bytes ${start}-${start + body.length - 1}/*`
    },
    body
  }
}

const withoutLength = (reply: Origin.Reply): Origin.Reply => {
  const { "content-length": _, ...headers } = reply.headers ?? {}
  return { ...reply, headers }
}

const locationOf = (job: Job, to: "here" | "elsewhere" | "file" | "loop"): string => {
  switch (to) {
    case "here":
      return `${job.path}?moved`
    case "elsewhere":
      // A redirect from https to http would be refused.
      return `https://cdn.test${job.path}?moved`
    case "file":
      return "file:///etc/passwd"
    case "loop":
      return `${job.path}?loop`
  }
}

/** Whether the downloader can find out that the response is wrong. */
const isNoticeable = ({ hasDigest, isLengthAnnounced }: Job, how: RangeFault): boolean =>
  hasDigest || (how === "resized" || how === "unsized" ? isLengthAnnounced : how !== "wrong")

const lyingAbout = (
  honest: Origin.Reply,
  content: Uint8Array,
  how: RangeFault,
  request: Origin.Request
): Origin.Reply => {
  const [, first, last = ""] = /^bytes=(\d+)-(\d*)$/.exec(request.headers["range"] ?? "") ?? []
  if (first === undefined) {
    return honest
  }
  const start = Number(first)
  const { "content-range": _, ...headers } = honest.headers ?? {}
  const end = last === "" ? content.length : Number(last) + 1
  const partial = (from: number, to: number, total: number): Origin.Reply => ({
    ...honest,
    status: 206,
    headers: {
      ...honest.headers,
      "content-length": `${to - from}`,
      "content-range": `bytes ${from}-${to - 1}/${total}`
    },
    body: content.subarray(from, to)
  })
  /** A response with these header fields, otherwise a correct head, and wrong bytes. */
  const partialOf = (more: Readonly<Record<string, string>>): Origin.Reply =>
    start < end
      ? {
          ...partial(start, end, content.length),
          headers: { ...partial(start, end, content.length).headers, ...more },
          body: content.subarray(start, end).map((byte) => byte ^ 0xff)
        }
      : honest
  switch (how) {
    case "ignored":
      return {
        ...honest,
        status: 200,
        headers: { ...headers, "content-length": `${content.length}` },
        body: content
      }
    case "shifted":
      return start > 0 ? partial(start - 1, end, content.length) : honest
    case "short":
      return start + 1 < end ? partial(start, start + 1, content.length) : honest
    case "total":
      return honest.status === 206 ? partial(start, end, content.length + 7) : honest
    case "status":
      return start < end ? { ...partial(start, end, content.length), status: 200 } : honest
    case "resized":
      return {
        ...honest,
        status: 200,
        headers: { ...headers, "content-length": `${content.length - start}` },
        body: content.subarray(start)
      }
    case "unsized":
      return {
        ...honest,
        status: 200,
        headers: withoutLength({ ...honest, headers }).headers,
        body: content.subarray(start)
      }
    case "empty":
      return { ...honest, status: 200, headers: { ...headers, "content-length": "0" }, body: "" }
    case "length":
      // A cache has stored the head of one response with the body of another.
      return start + 1 < end
        ? {
            ...partial(start, end, content.length),
            headers: { ...partial(start, end, content.length).headers, "content-length": `${content.length}` },
            body: content
          }
        : honest
    case "coded":
      return partialOf({ "content-encoding": "gzip" })
    case "parts":
      return partialOf({ "content-type": "multipart/byteranges; boundary=x" })
    case "refused":
      return { ...honest, status: start % 2 === 0 ? 400 : 412, headers: { "content-length": "0" }, body: "" }
    case "wrong":
      return partialOf({})
    case "unsatisfiable":
      return { ...honest, status: 416, headers: { "content-length": "0" }, body: "" }
  }
}
