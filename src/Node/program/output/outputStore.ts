/**
 * A store for one file that goes to a stream: standard output, another open descriptor, a named pipe or a device.
 *
 * Written bytes cannot be taken back, and there is no file to rename. So a transfer can continue after a failure, but it cannot
 * start over, and nothing is kept for a later run.
 */
import { constants, createWriteStream, fstatSync } from "node:fs"
import { Socket } from "node:net"
import type { Writable } from "node:stream"
import { isatty, WriteStream } from "node:tty"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { OutputStream } from "../../../Cli/Host.js"
import { codeOf, fromCause } from "../../../DownloadError/diskErrors.js"
import { Disk } from "../../../DownloadError.js"
import * as Printable from "../../../internal/text/printable.js"
import { type Part, Store } from "../../../Store.js"
import { openWithoutWait } from "../pipes.js"
import * as StandardOutput from "./standardOutput.js"

/**
 * The store that writes to `output`. Its `prepare` opens it, and waits until a named pipe has a reader. `onWait` is called once, if it
 * has to wait.
 */
export const layer = (output: OutputStream, onWait: () => void): Layer.Layer<Store> =>
  Layer.scoped(
    Store,
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      let sink: Sink | undefined
      const sinkOf = (destination: string) =>
        Effect.suspend(() =>
          sink === undefined
            ? Effect.tap(Effect.provideService(opened(output, destination, onWait), Scope.Scope, scope), (made) =>
                Effect.sync(() => {
                  sink = made
                })
              )
            : Effect.succeed(sink)
        )
      // Counted when a write starts: if it is interrupted, its bytes are still written.
      let acceptedBytes = 0
      const partOf = (destination: string, { end, write }: Sink): Part => ({
        reserve: () => Effect.void,
        write: (chunk, positionBytes) =>
          Effect.suspend(() => {
            if (positionBytes !== acceptedBytes) {
              return failure(
                destination,
                `it can only be written in order, and ${acceptedBytes} bytes are written already`
              )
            }
            acceptedBytes += chunk.length
            return write(chunk)
          }),
        read: () => failure(destination, "it cannot be read"),
        checkpoint: () => Effect.void,
        publish: () => Effect.as(end, destination),
        close: () => Effect.void
      })
      const unlessWritten = (destination: string) =>
        Effect.suspend(() =>
          acceptedBytes === 0
            ? Effect.void
            : failure(
                destination,
                `the transfer would have to start over, and ${acceptedBytes} bytes are written already`
              )
        )
      return Store.of({
        prepare: (destination) => Effect.asVoid(sinkOf(destination)),
        stat: () => Effect.succeed(undefined),
        read: (destination) => Stream.fail(failure(destination, "it cannot be read")),
        open: (destination) =>
          Effect.map(Effect.zipRight(unlessWritten(destination), sinkOf(destination)), (made) => ({
            part: partOf(destination, made),
            record: undefined
          }))
      })
    })
  )

interface Sink {
  /** Writes a copy, because an interrupted write continues while the caller reuses the memory. */
  readonly write: (chunk: Uint8Array) => Effect.Effect<void, Disk>
  /** Ends the stream after all writes. */
  readonly end: Effect.Effect<void, Disk>
}

// The name of the output in errors.
const labelOf = (destination: string): string => (destination === "-" ? "standard output" : Printable.line(destination))

const failure = (destination: string, detail: string): Disk =>
  new Disk({ path: labelOf(destination), reason: "other", detail })

const opened = (
  output: OutputStream,
  destination: string,
  onWait: () => void
): Effect.Effect<Sink, Disk, Scope.Scope> =>
  output._tag === "Descriptor" && output.descriptor === 1
    ? Effect.succeed(standardOutput(destination))
    : output._tag === "Descriptor" && output.descriptor === 2
      ? // The report follows on it.
        Effect.succeed({ ...sinkTo(process.stderr, destination), end: Effect.void })
      : Effect.map(openedStream(output, destination, onWait), (stream) => sinkTo(stream, destination))

// Only the wait for a reader between two attempts is interruptible.
const openedStream = (
  output: OutputStream,
  destination: string,
  onWait: () => void
): Effect.Effect<Writable, Disk, Scope.Scope> =>
  Effect.catchAll(
    Effect.acquireRelease(open(output, destination), (stream) => Effect.sync(() => stream.destroy())),
    (error) =>
      error === "no reader"
        ? Effect.zipRight(
            Effect.sync(onWait),
            Effect.zipRight(
              Effect.interruptible(Effect.sleep("50 millis")),
              Effect.suspend(() => openedStream(output, destination, () => {}))
            )
          )
        : Effect.fail(error)
  )

const standardOutput = (destination: string): Sink => ({
  write: (chunk) =>
    Effect.async((resume) => {
      StandardOutput.flush()
      process.stdout.write(new Uint8Array(chunk), (error) => {
        if (error) {
          // By then the error has interrupted the program, which reports no transfer (`Node/program/output/standardOutput`). A program
          // that outlives its terminal is not interrupted: its transfer fails.
          setImmediate(() => resume(Effect.fail(fromCause(destination, error))))
        } else {
          resume(Effect.void)
        }
      })
    }),
  end: Effect.void
})

const sinkTo = (stream: Writable, destination: string): Sink => {
  // Without a listener Node throws the error. The failed write reports it as well.
  stream.on("error", () => {})
  const settled =
    (resume: (effect: Effect.Effect<void, Disk>) => void) =>
    (error?: Error | null): void =>
      resume(error ? Effect.fail(fromCause(destination, error)) : Effect.void)
  return {
    write: (chunk) =>
      Effect.async((resume) => {
        stream.write(new Uint8Array(chunk), settled(resume))
      }),
    end: Effect.async((resume) => {
      stream.end(settled(resume))
    })
  }
}

const open = (output: OutputStream, destination: string): Effect.Effect<Writable, Disk | "no reader"> =>
  Effect.try({
    try: () =>
      output._tag === "Descriptor"
        ? streamOf(output.descriptor)
        : openWithoutWait(destination, constants.O_WRONLY, streamOf),
    catch: (cause) =>
      output._tag === "Path" && output.isPipe && codeOf(cause) === "ENXIO" ? "no reader" : fromCause(destination, cause)
  })

const streamOf = (descriptor: number): Writable => {
  const stats = fstatSync(descriptor)
  return stats.isFIFO() || stats.isSocket()
    ? new Socket({ fd: descriptor, readable: false, writable: true })
    : isatty(descriptor)
      ? new WriteStream(descriptor)
      : createWriteStream("", { fd: descriptor })
}
