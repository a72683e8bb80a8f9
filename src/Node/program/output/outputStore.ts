/**
 * A store for one file that goes to a stream: standard output, another open descriptor, a named pipe or a device.
 */
import { constants, createWriteStream, fstatSync } from "node:fs"
import { Socket } from "node:net"
import type { Writable } from "node:stream"
import { isatty, WriteStream } from "node:tty"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { OutputStream } from "../../../Cli/Host.js"
import { codeOf, fromCause } from "../../../DownloadError/diskErrors.js"
import type { Disk } from "../../../DownloadError.js"
import * as Printable from "../../../internal/text/printable.js"
import * as Sequential from "../../../Store/sequential.js"
import { Store } from "../../../Store.js"
import { openWithoutWait } from "../process/pipes.js"
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
      let sink: Sequential.Sink | undefined
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
      return Sequential.make(sinkOf, labelOf)
    })
  )

/** Counts the bytes of a write when it starts: if it is interrupted, they are still written. */
class OutputSink implements Sequential.Sink {
  takenBytes = 0

  constructor(
    private readonly writeCopy: (copy: Uint8Array) => Effect.Effect<void, Disk>,
    readonly end: Effect.Effect<void, Disk>
  ) {}

  write(chunk: Uint8Array): Effect.Effect<void, Disk> {
    return Effect.suspend(() => {
      this.takenBytes += chunk.length
      // An interrupted write continues while the caller uses the memory again.
      return this.writeCopy(new Uint8Array(chunk))
    })
  }
}

// The name of the output in errors.
const labelOf = (destination: string): string => (destination === "-" ? "standard output" : Printable.line(destination))

const opened = (
  output: OutputStream,
  destination: string,
  onWait: () => void
): Effect.Effect<Sequential.Sink, Disk, Scope.Scope> =>
  output._tag === "Descriptor" && output.descriptor === 1
    ? Effect.succeed(standardOutput(destination))
    : output._tag === "Descriptor" && output.descriptor === 2
      ? // The report follows on it.
        Effect.succeed(sinkTo(process.stderr, destination, Effect.void))
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

const standardOutput = (destination: string): Sequential.Sink =>
  new OutputSink(
    (copy) =>
      Effect.async((resume) => {
        StandardOutput.flush()
        process.stdout.write(copy, (error) => {
          if (error) {
            // By then the error has interrupted the program, which reports no transfer (`Node/program/output/standardOutput`). A
            // program that outlives its terminal is not interrupted: its transfer fails.
            setImmediate(() => resume(Effect.fail(fromCause(destination, error))))
          } else {
            resume(Effect.void)
          }
        })
      }),
    Effect.void
  )

const sinkTo = (stream: Writable, destination: string, end?: Effect.Effect<void>): Sequential.Sink => {
  // Without a listener Node throws the error. The failed write reports it as well.
  stream.on("error", () => {})
  const settled =
    (resume: (effect: Effect.Effect<void, Disk>) => void) =>
    (error?: Error | null): void =>
      resume(error ? Effect.fail(fromCause(destination, error)) : Effect.void)
  return new OutputSink(
    (copy) =>
      Effect.async((resume) => {
        stream.write(copy, settled(resume))
      }),
    end ??
      Effect.async((resume) => {
        stream.end(settled(resume))
      })
  )
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
