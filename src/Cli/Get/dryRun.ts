/**
 * `--dry-run` of `halyard get`: what a run would do with each file. Requests no file, and changes nothing on the disk or in an object
 * storage.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { DownloadRequest, Skipped } from "../../Download.js"
import { checkRequest, isNamedBefore, precheck } from "../../engine/precheck.js"
import { Hasher } from "../../Hasher.js"
import { displayUrl } from "../../internal/text/displayUrl.js"
import * as FileNames from "../../internal/text/fileNames.js"
import * as Printable from "../../internal/text/printable.js"
import { Journal } from "../../Journal.js"
import { StatusLine } from "../../StatusLine.js"
import { type FileInfo, Store } from "../../Store.js"
import { Host } from "../Host.js"
import * as ShownUrls from "./summary/shownUrls.js"

/** What a run would do with one file. */
interface Plan {
  /** `ask`: the response decides. `name`: the server names the file, and then the run decides. */
  readonly plan: "download" | "replace" | "number" | "ask" | "name" | "skip" | "fail"
  /** Where the file would be saved. */
  readonly file: string
  /** The file that is there. */
  readonly existing?: FileInfo | undefined
  /** Why it would be skipped, or fail. */
  readonly reason?: string | undefined
}

const kinds = ["download", "replace", "number", "ask", "name", "skip", "fail"] as const

const counted: Readonly<Record<Plan["plan"], string>> = {
  download: "to download",
  replace: "to replace",
  number: "to save under another name",
  ask: "to compare with the server",
  name: "to be named by the server",
  skip: "to skip",
  fail: "would fail"
}

/** Prints a line for each request, and then the number of each kind. Succeeds with the exit code. */
export const dryRun = Effect.fnUntraced(function* <E, R>(
  requests: Stream.Stream<DownloadRequest, E, R>,
  options: {
    readonly json: boolean
    readonly quiet: boolean
    /** Keep the secrets of URLs. */
    readonly showUrls: boolean
    /** Whether the output is no file, so nothing can be there. */
    readonly isStream: boolean
    /** Whether the files are in an object storage, which was asked about them. */
    readonly isInBucket: boolean
    /** The items of the input for which no request can be made. */
    readonly refused: () => number
  }
) {
  const host = yield* Host
  const statusLine = yield* StatusLine
  const write = (text: string) =>
    host.stdout.isScreen ? statusLine.printSoon(text) : host.stdout.writeSoon(() => text)
  const urls = ShownUrls.make(options.showUrls)
  const counts = new Map<Plan["plan"], number>()
  yield* Stream.runForEach(requests, (request) =>
    Effect.map(options.isStream ? Effect.succeed(toStream(request)) : planOf(request), (plan) => {
      counts.set(plan.plan, (counts.get(plan.plan) ?? 0) + 1)
      if (!options.quiet || plan.plan === "fail") {
        const line = options.json
          ? JSON.stringify({
              ...plan,
              index: Number(request.id),
              url: options.showUrls ? request.url : displayUrl(request.url)
            })
          : lineOf(request, urls.given(request.url), plan)
        write(`${line}\n`)
      }
    })
  )
  counts.set("fail", (counts.get("fail") ?? 0) + options.refused())
  const all = kinds.filter((kind) => (counts.get(kind) ?? 0) > 0)
  if (options.json) {
    write(`${JSON.stringify({ dryRun: Object.fromEntries(all.map((kind) => [kind, counts.get(kind)])) })}\n`)
  } else if (!options.quiet) {
    const text = all.map((kind) => `${counts.get(kind)} ${counted[kind]}`).join(", ")
    const sent = options.isInBucket ? "no file was requested" : "no request was sent"
    statusLine.line(`dry run: ${text === "" ? "nothing to do" : text}; ${sent}`)
  }
  return 0
})

const toStream = ({ destination }: DownloadRequest): Plan => ({ plan: "download", file: destination })

const planOf = (request: DownloadRequest): Effect.Effect<Plan, never, Store> =>
  Effect.gen(function* () {
    const store = yield* Store
    const file = request.destination
    const checked = checkRequest(request)
    if (Either.isLeft(checked)) {
      return { plan: "fail", file, reason: checked.left.message } satisfies Plan
    }
    const journal = Option.getOrUndefined(yield* Effect.serviceOption(Journal))
    const { expected, hop } = checked.right
    const looks = { store, hasher: yield* Hasher, journal, request, expected, firstHop: hop }
    if (request.nameFrom === "server" && !(yield* isNamedBefore(looks, file))) {
      return { plan: "name", file } satisfies Plan
    }
    const [found, existing] = yield* Effect.all([precheck(looks, file), store.stat(file)])
    if (found !== undefined && "how" in found) {
      return { plan: "skip", file, existing, reason: found.how } satisfies Plan
    }
    if (found !== undefined) {
      return { plan: "ask", file, existing } satisfies Plan
    }
    if (existing === undefined) {
      return { plan: "download", file } satisfies Plan
    }
    return request.onExists === "unique"
      ? ({ plan: "number", file: yield* firstFree(store, file), existing } satisfies Plan)
      : ({ plan: "replace", file, existing } satisfies Plan)
  }).pipe(
    Effect.catchAll((error) => Effect.succeed<Plan>({ plan: "fail", file: request.destination, reason: error.message }))
  )

const firstFree = Effect.fnUntraced(function* (store: typeof Store.Service, file: string) {
  for (const candidate of FileNames.candidates(file)) {
    if ((yield* store.stat(candidate)) === undefined) {
      return candidate
    }
  }
  return file
})

const skipped: Readonly<Record<Skipped["reason"], string>> = {
  exists: "it exists",
  recorded: "it is unchanged since it was saved",
  "same-size": "it has the size of the server's file",
  verified: "it has the right checksum"
}

const isReason = (reason: string): reason is Skipped["reason"] => Object.hasOwn(skipped, reason)

const lineOf = (request: DownloadRequest, url: string, { existing, file, plan, reason = "" }: Plan): string => {
  const path = Printable.line(file)
  const size = existing?.sizeBytes === undefined ? "" : ` (${existing.sizeBytes} bytes)`
  switch (plan) {
    case "download":
      return `${path}: would be downloaded from ${url}`
    case "replace":
      return `${path}: exists${size}, and would be replaced from ${url}`
    case "number":
      return `${path}: would be downloaded from ${url}, because ${Printable.line(request.destination)} exists${size}`
    case "ask":
      return `${path}: exists${size}, and would be replaced if the file of ${url} differs`
    case "name":
      return `${path}: would be downloaded from ${url}, under the server's name if it gives one`
    case "skip":
      return `${path}: would be skipped, because ${isReason(reason) ? skipped[reason] : reason}${size}`
    case "fail":
      return `${path}: would fail: ${reason}`
  }
}
