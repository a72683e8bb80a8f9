/**
 * Runs of `halyard get`, and an origin for them.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import { http } from "../servers/loopback.js"
import { filesIn, halyard, type Options, run, temporaryDirectory } from "./program.js"

/** Serves each path as its own content. `/missing…` is missing, and `/slow…` breaks off without an end. */
export const origin = Effect.suspend(() =>
  http((request, response) => {
    const path = request.url ?? ""
    if (path.startsWith("/missing")) {
      response.writeHead(404).end()
    } else if (path.startsWith("/slow")) {
      response.writeHead(200, { "content-length": "10" }).write("0123")
    } else {
      response.end(`content of ${path}`)
    }
  })
)

/** Runs `halyard get` with these parameters, in an empty directory unless `options` has one. */
export const get = (parameters: ReadonlyArray<string>, options?: Options) =>
  Effect.gen(function* () {
    const cwd = options?.cwd ?? (yield* temporaryDirectory)
    const ended = yield* run(["get", ...parameters], { ...options, cwd })
    return { ...ended, cwd, files: filesIn(cwd), read: (name: string) => readFileSync(`${cwd}/${name}`, "utf8") }
  })

/** Starts `halyard get` with a list on a pipe that stays open, and waits until the first file, `a`, is saved. */
export const getFromPipe = (url: string, cwd: string) =>
  Effect.gen(function* () {
    const running = yield* halyard(["get", "-i", "-"], { cwd, stdin: "open" })
    yield* running.type(`${url}/a\n`)
    yield* running.awaitOutput(/^a$/m)
    return running
  })

/** The digest of a text, for `--checksum`. */
export const sha256 = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`
