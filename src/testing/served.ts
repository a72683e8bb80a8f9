/**
 * What the origins of a scenario serve: every version of every file, and the lies that its faults make them tell.
 *
 * @internal
 */
import { sha256 } from "@noble/hashes/sha2.js"
import * as Origin from "./Origin.js"
import { type Job, versionsOf } from "./Scenario.js"

/** The content of a version of a file. */
export const contentOf = (job: Job, version: number): Uint8Array => {
  let state = (job.index * 7919 + version * 104729 + 12345) >>> 0
  return Uint8Array.from({ length: job.sizeBytes }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  })
}

export const digestOf = (job: Job): string =>
  `sha256:${Array.from(sha256(contentOf(job, versionsOf(job) - 1)), (byte) => byte.toString(16).padStart(2, "0")).join("")}`

const httpDate = (atMillis: number): string => new Date(atMillis).toUTCString()

/** What the origin answers. */
export const replyTo = (job: Job, request: Origin.Request, turn: number, nowMillis: number): Origin.Reply => {
  const fault = job.faults[turn]
  const version = job.faults.slice(0, turn + 1).filter(({ kind }) => kind === "changed").length
  const content = contentOf(job, version)
  const pace: Origin.Reply = { delay: 5, chunkBytes: job.chunkBytes, chunkDelay: job.chunkMillis }
  const tag = `"${job.index}.${version}"`
  const etag = job.validator === "strong" ? tag : job.validator === "weak" ? `W/${tag}` : undefined
  const served = Origin.file(asUnderstood(job, request), content, { ...pace, etag })
  const reply = job.isLengthAnnounced || served.status !== 200 ? served : withoutLength(served)
  if (fault === undefined) {
    return reply
  }
  switch (fault.kind) {
    case "refused":
    case "dns":
    case "reset":
    case "silence":
      return { delay: 5, instead: fault.kind }
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
      return lyingAbout(reply, content, fault.how, request)
    case "changed":
      return reply
  }
}

/** The request as an origin sees it that does not know all of it. */
const asUnderstood = ({ ranges }: Job, request: Origin.Request): Origin.Request => {
  const { "if-range": _, range, ...headers } = request.headers
  switch (ranges) {
    case "guarded":
      return request
    case "unguarded":
      return { ...request, headers: range === undefined ? headers : { ...headers, range } }
    case "none":
      return { ...request, headers }
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
      // Not from https to http.
      return `https://cdn.test${job.path}?moved`
    case "file":
      return "file:///etc/passwd"
    case "loop":
      return `${job.path}?loop`
  }
}

const lyingAbout = (
  honest: Origin.Reply,
  content: Uint8Array,
  how: "ignored" | "shifted" | "short" | "total" | "unsatisfiable",
  request: Origin.Request
): Origin.Reply => {
  const [, first, last = ""] = /^bytes=(\d+)-(\d*)$/.exec(request.headers["range"] ?? "") ?? []
  if (first === undefined) {
    return honest
  }
  const start = Number(first)
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
  switch (how) {
    case "ignored":
      return {
        ...honest,
        status: 200,
        headers: { ...honest.headers, "content-length": `${content.length}`, "content-range": "" },
        body: content
      }
    case "shifted":
      return start > 0 ? partial(start - 1, end, content.length) : honest
    case "short":
      return start + 1 < end ? partial(start, start + 1, content.length) : honest
    case "total":
      return honest.status === 206 ? partial(start, end, content.length + 7) : honest
    case "unsatisfiable":
      return { ...honest, status: 416, headers: { "content-length": "0" }, body: "" }
  }
}
