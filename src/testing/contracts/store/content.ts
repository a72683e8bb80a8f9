/**
 * What a part holds: writes at positions and reads.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { openScoped } from "../../../Store.js"
import { type Case, expect } from "../Case.js"
import { type CaseOf, encode, hasParts, holds, long, publish, read, save, withPart, write } from "./probe.js"

// Different at each position. More than a store keeps in memory.
const numbers = Array.from({ length: 150_000 }, (_, index) => String(index).padStart(8, "0")).join("")

/** How the result of a read differs from that of the right length. */
const unlike = (found: string, sizeBytes: number): string =>
  found.length === sizeBytes ? "other bytes" : `${found.length} bytes`

export const cases = (on: CaseOf): ReadonlyArray<Case> => [
  on("says how large a file is and when it was modified, and reads it", (probe, store) =>
    Effect.gen(function* () {
      for (const text of ["", "small", long("large")]) {
        yield* withPart(store, probe.destination, (part) =>
          Effect.zipRight(
            write(part, text),
            Effect.suspend(() =>
              part.publish({ onExists: "overwrite", durability: "rename", modifiedMillis: 1_000_000_000_000 })
            )
          )
        )
        const found = yield* store.stat(probe.destination)
        yield* expect(found?.sizeBytes === text.length, `${text.length} bytes from stat`, found)
        const modified = found?.modifiedMillis ?? 1_000_000_000_000
        yield* expect(modified === 1_000_000_000_000, "the time that was given to publish, or undefined", modified)
        // A chunk may be overwritten when the next one is pulled.
        const decoder = new TextDecoder()
        const content = yield* Stream.runFold(
          store.read(probe.destination),
          "",
          (before, chunk) => before + decoder.decode(chunk, { stream: true })
        )
        yield* expect(content === text, `the ${text.length} bytes of the file from read`, content.length)
      }
      const missing = yield* Effect.flip(Stream.runDrain(store.read(`${probe.destination}-missing`)))
      yield* expect(missing._tag === "Disk", "Disk from read of a path without a file", missing)
    })
  ),
  on("publishes what was written, and nothing before that", (probe, store) =>
    Effect.gen(function* () {
      yield* withPart(store, probe.destination, (part) =>
        Effect.gen(function* () {
          yield* write(part, "first, ")
          yield* write(part, "second", 7)
          yield* holds(probe, undefined)
          const published = yield* publish(part)
          yield* expect(published === probe.destination, "the destination from publish", published)
        })
      )
      yield* holds(probe, "first, second")
      yield* hasParts(probe, 0)
    })
  ),
  on("publishes an empty file", (probe, store) =>
    Effect.gen(function* () {
      yield* withPart(store, probe.destination, (part) => publish(part, "fail"))
      yield* holds(probe, "")
    })
  ),
  on("writes at any position, with several calls at a time", (probe, store) =>
    Effect.gen(function* () {
      const size = numbers.length / 12
      yield* withPart(store, probe.destination, (part) =>
        Effect.gen(function* () {
          const put = (index: number) => write(part, numbers.slice(index * size, (index + 1) * size), index * size)
          // The end comes before the middle.
          yield* put(11)
          yield* Effect.forEach([5, 0, 3, 1, 9], put, { concurrency: "unbounded" })
          yield* Effect.forEach([10, 8, 7, 6, 4, 2], put, { concurrency: 2 })
          yield* publish(part)
        })
      )
      yield* holds(probe, numbers)
      yield* hasParts(probe, 0)
    })
  ),
  on("reads what was written, while other calls write", (probe, store) =>
    withPart(store, probe.destination, (part) =>
      Effect.gen(function* () {
        const half = numbers.length / 2
        const reads = (positionBytes: number, sizeBytes: number) =>
          Effect.flatMap(read(part, positionBytes, sizeBytes), (found) =>
            expect(
              found === numbers.slice(positionBytes, positionBytes + sizeBytes),
              `the ${sizeBytes} bytes that were written at ${positionBytes}`,
              unlike(found, sizeBytes)
            )
          )
        yield* write(part, numbers.slice(0, half))
        yield* Effect.all([write(part, numbers.slice(half), half), reads(0, 1000), reads(half - 500, 500)], {
          concurrency: "unbounded"
        })
        yield* reads(half - 500, 1000)
        const end = yield* read(part, numbers.length - 10, 1000)
        yield* expect(
          end === numbers.slice(-10),
          "the last 10 bytes, and no more, from a read of 1000 bytes",
          unlike(end, 10)
        )
        const beyond = yield* read(part, numbers.length, 10)
        yield* expect(beyond === "", "no bytes from a read at the end", unlike(beyond, 0))
        // The next write does not go to the position of the last read.
        yield* write(part, "end", numbers.length)
        yield* publish(part)
        yield* holds(probe, `${numbers}end`)
      })
    )
  ),
  on("takes the same bytes again", (probe, store) =>
    Effect.gen(function* () {
      for (const text of ["short", numbers]) {
        yield* withPart(store, probe.destination, (part) =>
          Effect.gen(function* () {
            yield* write(part, text)
            yield* write(part, text.slice(2), 2)
            yield* publish(part)
          })
        )
        yield* holds(probe, text)
      }
    })
  ),
  on("keeps a chunk's bytes when its memory is used again", (probe, store) =>
    Effect.gen(function* () {
      const chunk = encode("before")
      yield* withPart(store, probe.destination, (part) =>
        Effect.gen(function* () {
          yield* part.write(chunk, 0)
          chunk.fill(0)
          yield* publish(part)
        })
      )
      yield* holds(probe, "before")
    })
  ),
  on("collects tiny chunks into larger writes", (probe, store) =>
    Effect.scoped(
      Effect.gen(function* () {
        const before = yield* probe.writes ?? Effect.succeed(0)
        const part = yield* openScoped(store, probe.destination)
        const text = "0123456789".repeat(40_000)
        for (const [index, byte] of encode(text).entries()) {
          yield* part.write(Uint8Array.of(byte), index)
        }
        yield* publish(part)
        yield* holds(probe, text)
        const writes = (yield* probe.writes ?? Effect.succeed(0)) - before
        yield* expect(writes <= 100, "at most 100 writes to the device for 400000 chunks", writes)
      })
    )
  ),
  on("collects tiny chunks at several positions", (probe, store) =>
    Effect.scoped(
      Effect.gen(function* () {
        const part = yield* openScoped(store, probe.destination)
        const text = "abcdefghij".repeat(40_000)
        const bytes = encode(text)
        const put = (start: number, end: number) => part.write(bytes.slice(start, end), start)
        const before = yield* probe.writes ?? Effect.succeed(0)
        // Four writers write a byte each in turn. One of them writes a few bytes twice, as a retry does.
        const quarter = text.length / 4
        for (let index = 0; index < quarter; index++) {
          for (let writer = 0; writer < 4; writer++) {
            yield* put(writer * quarter + index, writer * quarter + index + 1)
          }
          if (index % 10_000 === 9999) {
            yield* put(index - 500, index - 400)
          }
        }
        const last = yield* read(part, text.length - 50, 100)
        yield* expect(last === text.slice(-50), "the 50 bytes that were written last", unlike(last, 50))
        const writes = (yield* probe.writes ?? Effect.succeed(0)) - before
        yield* expect(writes <= 200, "at most 200 writes to the device for 400000 chunks", writes)
        yield* publish(part)
        yield* holds(probe, text)
      })
    )
  ),
  on("fails on a device that takes no byte, and leaves nothing", (probe, store) =>
    Effect.gen(function* () {
      if (probe.takeNothing === undefined) {
        return
      }
      yield* save(store, probe.destination, "old")
      yield* probe.takeNothing
      for (const text of ["new", long("new")]) {
        const error = yield* Effect.flip(save(store, probe.destination, text))
        yield* expect(error.reason === "other", "the reason other", error.reason)
      }
      yield* hasParts(probe, 0)
      yield* holds(probe, "old")
    })
  )
]
