/**
 * Opens the input that an option of `halyard get` names: a file, a pipe, a device, or standard input.
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { fromCause } from "../../DownloadError/diskErrors.js"
import type { Disk } from "../../DownloadError.js"
import { Host } from "../Host.js"
import { UsageError } from "../UsageError.js"

/** The bytes of `input`. An error is a `UsageError` that begins with `label`, the option as it was written. */
export const bytesOf = Effect.fnUntraced(function* (label: string, input: string) {
  const host = yield* Host
  const fs = yield* FileSystem.FileSystem
  if (isStandardInput(input)) {
    const info = yield* Effect.option(fs.stat("/dev/stdin"))
    return Option.isSome(info) && info.value.type === "Directory"
      ? yield* isDirectory(label)
      : Stream.mapError(host.stdin, (error) => cannotRead(label, error))
  }
  const failed = (error: PlatformError) => cannotRead(label, fromCause(input, error))
  yield* Effect.mapError(fs.access(input, { readable: true }), failed)
  const { type } = yield* Effect.mapError(fs.stat(input), failed)
  switch (type) {
    case "Directory":
      return yield* isDirectory(label)
    case "File":
      return Stream.mapError(fs.stream(input, { chunkSize: 64 * 1024 }), failed)
    default:
      return Stream.mapError(host.read(input, type === "FIFO"), (error) => cannotRead(label, error))
  }
})

/** The whole content of `input`, which must not be larger than `atMostBytes`. */
export const wholeOf = Effect.fnUntraced(function* (label: string, input: string, atMostBytes: number) {
  const bytes = yield* bytesOf(label, input)
  const content: Array<Uint8Array> = []
  let sizeBytes = 0
  yield* Stream.runForEachWhile(bytes, (chunk) =>
    Effect.sync(() => {
      content.push(chunk)
      sizeBytes += chunk.length
      return sizeBytes <= atMostBytes
    })
  )
  if (sizeBytes > atMostBytes) {
    const limit = atMostBytes < mebibyte ? `${atMostBytes / 1024} KiB` : `${atMostBytes / mebibyte} MiB`
    return yield* new UsageError({ message: `${label}: it is larger than ${limit}` })
  }
  return Buffer.concat(content, sizeBytes)
})

const mebibyte = 1024 * 1024

/** The whole content of `input` as text. */
export const textOf = Effect.fnUntraced(function* (label: string, input: string, atMostBytes: number) {
  const whole = yield* wholeOf(label, input, atMostBytes)
  return yield* Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(whole),
    catch: () => new UsageError({ message: `${label}: it has bytes that are not UTF-8` })
  })
})

// If standard input is a socket, it cannot be opened again by these names.
const standardInput: ReadonlySet<string> = new Set(["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])

export const isStandardInput = (input: string): boolean => standardInput.has(input)

const cannotRead = (label: string, { explanation, reason }: Disk): UsageError =>
  new UsageError({ message: `${label}: ${reason === "missing" ? "there is no such file" : explanation}` })

const isDirectory = (label: string): UsageError => new UsageError({ message: `${label}: it is a directory` })
