/**
 * Opens the input that an option of `halyard get` names: a file, a pipe, a device, or standard input.
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Disk } from "../../DownloadError.js"
import { fromPlatformError } from "../../internal/diskErrors.js"
import * as Printable from "../../internal/printable.js"
import { Host } from "../Host.js"
import { UsageError } from "../UsageError.js"

/** The bytes of `input`. A read error is a `UsageError` that names the option. */
export const bytesOf = Effect.fnUntraced(function* (option: string, input: string) {
  const host = yield* Host
  if (isStandardInput(input)) {
    return Stream.mapError(host.stdin, (error) => cannotRead(option, input, error))
  }
  const fs = yield* FileSystem.FileSystem
  const failed = (error: PlatformError) => cannotRead(option, input, fromPlatformError(input)(error))
  yield* Effect.mapError(fs.access(input, { readable: true }), failed)
  const { type } = yield* Effect.mapError(fs.stat(input), failed)
  return type === "File" || type === "Directory"
    ? Stream.mapError(fs.stream(input, { chunkSize: 64 * 1024 }), failed)
    : Stream.mapError(host.read(input, type === "FIFO"), (error) => cannotRead(option, input, error))
})

// If standard input is a socket, it cannot be opened again by these names.
const standardInput: ReadonlySet<string> = new Set(["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])

export const isStandardInput = (input: string): boolean => standardInput.has(input)

const cannotRead = (option: string, input: string, { explanation, reason }: Disk): UsageError =>
  new UsageError({
    rule: `${option} ${Printable.line(input)}: ${reason === "missing" ? "there is no such file" : explanation}`
  })
