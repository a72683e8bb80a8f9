/**
 * What every `Store` keeps to.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Disk } from "../../DownloadError.js"
import { type Part, type PublishOptions, Store, write } from "../../Store.js"
import { type Case, expect } from "./Case.js"

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/**
 * A store to be looked at from behind, with one destination that is in nobody's way.
 *
 * @category models
 * @since 0.2.0
 */
export interface StoreProbe {
  readonly layer: Layer.Layer<Store>
  readonly destination: string
  /** What stands under the destination, or undefined. */
  readonly read: Effect.Effect<string | undefined>
  /** How many parts there are. */
  readonly parts: Effect.Effect<number>
  // A backend leaves out the operations that it does not have. The cases that need them pass.
  /** The number of writes to the device. */
  readonly writes?: Effect.Effect<number> | undefined
  /** Makes a directory at the destination, as another program would. */
  readonly makeDirectory?: Effect.Effect<void> | undefined
  /** Makes a symbolic link at the destination, in place of what is there, as another program would. */
  readonly makeLink?: ((to: string) => Effect.Effect<void>) | undefined
  /** From now on, writes to the device take no bytes and do not fail. */
  readonly takeNothing?: Effect.Effect<void> | undefined
  readonly modes?:
    | {
        /** The permission bits of all files in the destination's directory, the destination included. */
        readonly all: Effect.Effect<ReadonlyArray<number>>
        /** Changes the permission bits of the destination. */
        readonly set: (mode: number) => Effect.Effect<void>
      }
    | undefined
}

/**
 * The contract of `Store`. `probe` is run for each case.
 *
 * @category contracts
 * @since 0.2.0
 */
export const store = (probe: Effect.Effect<StoreProbe, never, Scope.Scope>): ReadonlyArray<Case> => {
  type Body = (probe: StoreProbe, store: typeof Store.Service) => Effect.Effect<void, unknown, Scope.Scope>
  const at = (title: string, body: Body): Case => ({
    title,
    check: Effect.scoped(
      Effect.flatMap(probe, (made) =>
        Effect.provide(
          Effect.flatMap(Store, (store) => body(made, store)),
          made.layer
        )
      )
    )
  })
  type OnExists = PublishOptions["onExists"]
  const publish = (part: Part, onExists: OnExists) => part.publish({ onExists, durability: "full" })
  const put = (store: typeof Store.Service, destination: string, text: string, onExists: OnExists = "overwrite") =>
    Effect.scoped(
      Effect.flatMap(store.open(destination), (part) =>
        Effect.zipRight(write(part, encode(text)), publish(part, onExists))
      )
    )
  const holds = (probe: StoreProbe, text: string | undefined) =>
    Effect.flatMap(probe.read, (found) => expect(found === text, `${text} under the destination`, found))
  const hasParts = (probe: StoreProbe, count: number) =>
    Effect.flatMap(probe.parts, (found) => expect(found === count, `${count} parts`, found))

  const discards = (how: string, end: Effect.Effect<void, string>): Case =>
    at(`discards a part that was not published, on ${how}`, (probe, store) =>
      Effect.gen(function* () {
        yield* put(store, probe.destination, "old")
        yield* Effect.exit(
          Effect.scoped(
            Effect.gen(function* () {
              const part = yield* store.open(probe.destination)
              // More than a store keeps in memory, so that the bytes reach the device.
              yield* write(part, encode("new".repeat(400_000)))
              yield* hasParts(probe, 1)
              yield* end
            })
          )
        )
        yield* hasParts(probe, 0)
        yield* holds(probe, "old")
      })
    )

  return [
    at("publishes what was written, whole and in order", (probe, store) =>
      Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const part = yield* store.open(probe.destination)
            yield* expect(part.sizeBytes() === 0, "an empty part", part.sizeBytes())
            yield* write(part, encode("first, "))
            yield* write(part, encode("second"))
            yield* expect(part.sizeBytes() === 13, "a part of 13 bytes", part.sizeBytes())
            yield* holds(probe, undefined)
            const published = yield* publish(part, "overwrite")
            yield* expect(published === probe.destination, "its destination", published)
          })
        )
        yield* holds(probe, "first, second")
        yield* hasParts(probe, 0)
        yield* expect(yield* store.exists(probe.destination), "that it exists")
      })
    ),
    at("publishes with either durability", (probe, store) =>
      Effect.gen(function* () {
        for (const durability of ["rename", "full"] as const) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const part = yield* store.open(probe.destination)
              yield* write(part, encode(durability))
              yield* part.publish({ onExists: "overwrite", durability })
            })
          )
          yield* holds(probe, durability)
        }
      })
    ),
    at("publishes an empty file", (probe, store) =>
      Effect.gen(function* () {
        yield* Effect.scoped(Effect.flatMap(store.open(probe.destination), (part) => publish(part, "fail")))
        yield* holds(probe, "")
      })
    ),
    at("starts a part over", (probe, store) =>
      Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const part = yield* store.open(probe.destination)
            yield* write(part, encode("something long"))
            yield* part.restart
            yield* expect(part.sizeBytes() === 0, "an empty part", part.sizeBytes())
            yield* write(part, encode("short"))
            yield* publish(part, "overwrite")
          })
        )
        yield* holds(probe, "short")
      })
    ),
    ...(["published", "discarded"] as const).map((end) =>
      at(`leaves nothing of what a part held before it started over, when it is ${end}`, (probe, store) =>
        Effect.gen(function* () {
          // More than a store keeps in memory, so that the bytes reach the device.
          const long = encode("long".repeat(300_000))
          yield* Effect.scoped(
            Effect.gen(function* () {
              const part = yield* store.open(probe.destination)
              for (let turn = 0; turn < 3; turn++) {
                yield* write(part, long)
                yield* hasParts(probe, 1)
                yield* part.restart
              }
              yield* write(part, long)
              yield* hasParts(probe, 1)
              yield* end === "published" ? publish(part, "overwrite") : Effect.void
            })
          )
          yield* hasParts(probe, 0)
          yield* holds(probe, end === "published" ? "long".repeat(300_000) : undefined)
        })
      )
    ),
    at("keeps a chunk's bytes although its memory is used again", (probe, store) =>
      Effect.gen(function* () {
        const chunk = encode("before")
        yield* Effect.scoped(
          Effect.gen(function* () {
            const part = yield* store.open(probe.destination)
            yield* write(part, chunk)
            chunk.fill(0)
            yield* publish(part, "overwrite")
          })
        )
        yield* holds(probe, "before")
      })
    ),
    at("writes and reads at any position, where its parts can", (probe, store) =>
      Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const part = yield* store.open(probe.destination)
            const { at: access } = part
            if (access === undefined) {
              return
            }
            // More than a store keeps in memory, with the end before the middle.
            const text = "0123456789".repeat(60_000)
            const bytes = encode(text)
            const writeAt = (start: number, end: number) =>
              Effect.suspend(() => access.write(bytes.slice(start, end), start) ?? Effect.void)
            yield* write(part, bytes.slice(0, 1000))
            yield* writeAt(500_000, 600_000)
            yield* expect(part.sizeBytes() === 600_000, "a part of 600000 bytes", part.sizeBytes())
            yield* Effect.all([writeAt(1000, 250_000), writeAt(250_000, 500_000)], { concurrency: "unbounded" })
            const read = new Uint8Array(1000)
            const count = yield* access.read(read, 499_500)
            yield* expect(count === 1000, "1000 bytes", count)
            yield* expect(
              read.every((byte, index) => byte === bytes[499_500 + index]),
              "what was written there"
            )
            const last = yield* access.read(read, 599_990)
            yield* expect(last === 10, "10 bytes at the end", last)
            yield* publish(part, "overwrite")
            yield* holds(probe, text)
          })
        )
        yield* hasParts(probe, 0)
      })
    ),
    at("starts a part over that was written at a position", (probe, store) =>
      Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const part = yield* store.open(probe.destination)
            const { at: access } = part
            if (access === undefined) {
              return
            }
            yield* Effect.suspend(() => access.write(encode("the end"), 400_000) ?? Effect.void)
            yield* part.restart
            yield* expect(part.sizeBytes() === 0, "an empty part", part.sizeBytes())
            yield* write(part, encode("short"))
            yield* publish(part, "overwrite")
            yield* holds(probe, "short")
          })
        )
      })
    ),
    at("keeps a body of tiny chunks, and writes it in blocks", (probe, store) =>
      Effect.scoped(
        Effect.gen(function* () {
          const before = yield* probe.writes ?? Effect.succeed(0)
          const part = yield* store.open(probe.destination)
          const text = "0123456789".repeat(40_000)
          for (const byte of encode(text)) {
            const writing = part.write(Uint8Array.of(byte))
            if (writing !== undefined) {
              yield* writing
            }
          }
          yield* expect(part.sizeBytes() === text.length, `a part of ${text.length} bytes`, part.sizeBytes())
          yield* publish(part, "overwrite")
          yield* holds(probe, text)
          const writes = (yield* probe.writes ?? Effect.succeed(0)) - before
          yield* expect(writes <= 100, "100 writes at most for 400000 chunks", writes)
        })
      )
    ),
    at("keeps tiny chunks at several positions, where its parts can", (probe, store) =>
      Effect.scoped(
        Effect.gen(function* () {
          const part = yield* store.open(probe.destination)
          const { at: access } = part
          if (access === undefined) {
            return
          }
          const text = "abcdefghij".repeat(40_000)
          const bytes = encode(text)
          const put = (start: number, end: number) => access.write(bytes.slice(start, end), start) ?? Effect.void
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
          const read = new Uint8Array(100)
          yield* access.read(read, text.length - 50)
          yield* expect(
            read.subarray(0, 50).every((byte, index) => byte === bytes[text.length - 50 + index]),
            "what was written last"
          )
          const writes = (yield* probe.writes ?? Effect.succeed(0)) - before
          yield* expect(writes <= 200, "200 writes at most for 400000 chunks", writes)
          yield* publish(part, "overwrite")
          yield* holds(probe, text)
        })
      )
    ),
    at("forgets what it has not written yet, when it starts over", (probe, store) =>
      Effect.scoped(
        Effect.gen(function* () {
          const part = yield* store.open(probe.destination)
          // Some bytes are in a file, and some still in memory.
          yield* write(part, encode("old".repeat(200_000)))
          yield* write(part, encode("old"))
          yield* part.restart
          yield* write(part, encode("new"))
          yield* publish(part, "overwrite")
          yield* holds(probe, "new")
        })
      )
    ),
    at("fails on a device that takes no byte, and leaves nothing", (probe, store) =>
      Effect.gen(function* () {
        if (probe.takeNothing === undefined) {
          return
        }
        yield* put(store, probe.destination, "old")
        yield* probe.takeNothing
        for (const text of ["new", "new".repeat(200_000)]) {
          const error = yield* Effect.flip(put(store, probe.destination, text))
          yield* expect(error.reason === "other", "other", error.reason)
        }
        yield* hasParts(probe, 0)
        yield* holds(probe, "old")
      })
    ),
    at("does not treat a directory as an existing file", (probe, store) =>
      Effect.gen(function* () {
        if (probe.makeDirectory === undefined) {
          return
        }
        for (const onExists of ["skip", "fail", "overwrite"] as const) {
          const error = yield* Effect.scoped(
            Effect.gen(function* () {
              const part = yield* store.open(probe.destination)
              yield* write(part, encode("new"))
              yield* onExists === "skip" ? (probe.makeDirectory ?? Effect.void) : Effect.void
              return yield* Effect.flip(publish(part, onExists))
            })
          )
          yield* expect(error._tag === "Disk", `that ${onExists} fails`, error)
        }
        const error = yield* Effect.flip(store.exists(probe.destination))
        yield* expect(error.reason === "other", "that it is refused beforehand, too", error)
        const other = yield* put(store, probe.destination, "new", "unique")
        yield* expect(other !== undefined && other !== probe.destination, "another name", other)
        yield* hasParts(probe, 0)
      })
    ),
    at("replaces a link, wherever it leads", (probe, store) =>
      Effect.gen(function* () {
        const { destination, makeLink } = probe
        if (makeLink === undefined) {
          return
        }
        for (const to of [destination, `${destination}.nowhere`]) {
          for (const text of ["small", "large".repeat(200_000)]) {
            yield* makeLink(to)
            yield* expect(yield* store.exists(destination), "that a link exists")
            const error = yield* Effect.flip(put(store, destination, text, "fail"))
            yield* expect(error.reason === "exists", "exists", error.reason)
            yield* put(store, destination, text, "overwrite")
            yield* holds(probe, text)
            yield* hasParts(probe, 0)
          }
        }
      })
    ),
    at("keeps the mode of the file that it replaces, and allows no more access in the meantime", (probe, store) =>
      Effect.gen(function* () {
        const { modes } = probe
        if (modes === undefined) {
          return
        }
        yield* put(store, probe.destination, "new")
        const usual = (yield* modes.all)[0] ?? 0
        for (const mode of [0o600, 0o640, 0o664, 0o444, 0o755]) {
          for (const text of ["small", "large".repeat(200_000)]) {
            yield* modes.set(mode)
            yield* Effect.scoped(
              Effect.gen(function* () {
                const part = yield* store.open(probe.destination)
                yield* write(part, encode(text))
                const meanwhile = yield* modes.all
                yield* expect(
                  meanwhile.every((one) => (one & 0o077 & ~mode) === 0),
                  "nothing that more can read or write",
                  meanwhile
                )
                yield* publish(part, "overwrite")
              })
            )
            yield* holds(probe, text)
            const after = yield* modes.all
            yield* expect(after.length === 1 && after[0] === mode, `mode ${mode.toString(8)}`, after)
          }
        }
        // Without the set-user-ID bit.
        yield* modes.set(0o4755)
        yield* put(store, probe.destination, "new")
        const after = yield* modes.all
        yield* expect(after[0] === 0o755, "mode 755", after)
        yield* modes.set(usual)
      })
    ),
    discards("success", Effect.void),
    discards("failure", Effect.fail("broken")),
    discards("interruption", Effect.interrupt),
    at("replaces with overwrite, keeps with skip, and refuses with fail", (probe, store) =>
      Effect.gen(function* () {
        yield* put(store, probe.destination, "old")
        const skipped = yield* put(store, probe.destination, "skipped", "skip")
        yield* expect(skipped === undefined, "undefined", skipped)
        yield* holds(probe, "old")
        const error: Disk = yield* Effect.flip(put(store, probe.destination, "refused", "fail"))
        yield* expect(error.reason === "exists", "exists", error.reason)
        yield* holds(probe, "old")
        yield* put(store, probe.destination, "new", "overwrite")
        yield* holds(probe, "new")
        yield* hasParts(probe, 0)
      })
    ),
    at("lets exactly one of many publish with fail", (probe, store) =>
      Effect.gen(function* () {
        const names = Array.from({ length: 8 }, (_, index) => `writer ${index}`)
        const exits = yield* Effect.forEach(names, (name) => Effect.exit(put(store, probe.destination, name, "fail")), {
          concurrency: "unbounded"
        })
        const count = exits.filter(Exit.isSuccess).length
        yield* expect(count === 1, "one who publishes", count)
        const found = yield* probe.read
        yield* expect(found !== undefined && names.includes(found), "the whole of one", found)
        yield* hasParts(probe, 0)
      })
    ),
    at("gives each of many that want a file of their own another name", (probe, store) =>
      Effect.gen(function* () {
        yield* put(store, probe.destination, "old")
        const names = Array.from({ length: 8 }, (_, index) => `writer ${index}`)
        const paths = yield* Effect.forEach(names, (name) => put(store, probe.destination, name, "unique"), {
          concurrency: "unbounded"
        })
        yield* expect(new Set(paths).size === 8 && !paths.includes(undefined), "8 names", paths)
        yield* expect(!paths.includes(probe.destination), "other names than the one that is taken", paths)
        for (const path of paths) {
          yield* expect(yield* store.exists(path ?? ""), `that ${path} exists`)
        }
        yield* holds(probe, "old")
        yield* hasParts(probe, 0)
      })
    ),
    at("has published the whole or nothing, whenever it is interrupted", (probe, store) =>
      Effect.forEach(
        Array.from({ length: 12 }, (_, index) => index),
        (steps) =>
          Effect.gen(function* () {
            const text = `content ${steps}`
            const before = yield* probe.read
            const fiber = yield* Effect.fork(put(store, probe.destination, text))
            yield* Effect.forEach(Array.from({ length: steps }), () => Effect.yieldNow(), { discard: true })
            yield* Fiber.interrupt(fiber)
            yield* hasParts(probe, 0)
            const found = yield* probe.read
            yield* expect(found === before || found === text, "all or nothing", found)
          }),
        { discard: true }
      )
    )
  ]
}
