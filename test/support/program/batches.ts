/**
 * Lists for batches, and the processes that carry them out.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type * as Effect from "effect/Effect"
import { until } from "../poll.js"
import { isAlive, type Running } from "./program.js"

/** Writes a list of the files `/0` to `/{files - 1}` of an origin. Returns its path. */
export const listOf = (directory: string, url: string, files: number, more: ReadonlyArray<string> = []): string => {
  const path = join(directory, "urls.txt")
  const urls = [
    ...Array.from({ length: files }, (_, index) => `${url}/${index}`),
    ...more.map((name) => `${url}/${name}`)
  ]
  writeFileSync(path, `${urls.join("\n")}\n`)
  return path
}

/** The processes that a process of the program has started. */
export const childrenOf = (pid: number): ReadonlyArray<number> =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter((text) => /^\d+$/.test(text))
    .map(Number)

/** Waits until the program has started its processes. */
export const awaitChildren = (running: Running, count: number): Effect.Effect<ReadonlyArray<number>> =>
  until(
    `${count} processes`,
    () => {
      const children = childrenOf(running.pid)
      return children.length === count ? children : undefined
    },
    running.stderr
  )

/** Waits until a process has ended. */
export const awaitEnd = (pid: number): Effect.Effect<boolean> =>
  until(
    `end of process ${pid}`,
    () => (isAlive(pid) ? undefined : true),
    () => ""
  )
