/**
 * How a part gets its final name.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { PublishOptions } from "../../../Store.js"
import { type Case, expect } from "../Case.js"
import { type CaseOf, hasParts, holds, long, publish, read, save, withPart, write } from "./probe.js"

const writers = Array.from({ length: 8 }, (_, index) => `writer ${index}`)

export const cases = (on: CaseOf): ReadonlyArray<Case> => [
  on("publishes with either durability", (probe, store) =>
    Effect.gen(function* () {
      for (const durability of ["rename", "full"] as const) {
        for (const text of [durability, long(durability)]) {
          yield* withPart(store, probe.destination, (part) =>
            Effect.zipRight(write(part, text), publish(part, "overwrite", durability))
          )
          yield* holds(probe, text)
        }
      }
    })
  ),
  on("replaces with overwrite, keeps with skip, and refuses with fail", (probe, store) =>
    Effect.gen(function* () {
      yield* save(store, probe.destination, "old")
      const skipped = yield* save(store, probe.destination, "skipped", "skip")
      yield* expect(skipped === undefined, "undefined from publish with skip", skipped)
      yield* holds(probe, "old")
      const error = yield* Effect.flip(save(store, probe.destination, "refused", "fail"))
      yield* expect(error.reason === "exists", "the reason exists from publish with fail", error.reason)
      yield* holds(probe, "old")
      yield* save(store, probe.destination, "new", "overwrite")
      yield* holds(probe, "new")
      yield* hasParts(probe, 0)
    })
  ),
  on("reads a part whose publish has found an existing file, and then discards or publishes it", (probe, store) =>
    Effect.gen(function* () {
      for (const text of ["part", long("part")]) {
        yield* save(store, probe.destination, "old")
        yield* withPart(store, probe.destination, (part) =>
          Effect.gen(function* () {
            yield* write(part, text)
            yield* Effect.flip(publish(part, "fail"))
            yield* expect((yield* read(part, 0, 4)) === "part", "the bytes of the part from read", false)
          })
        )
        yield* hasParts(probe, 0)
        yield* holds(probe, "old")
        yield* withPart(store, probe.destination, (part) =>
          Effect.gen(function* () {
            yield* write(part, text)
            yield* Effect.flip(publish(part, "fail"))
            yield* publish(part, "overwrite")
          })
        )
        yield* holds(probe, text)
        yield* hasParts(probe, 0)
      }
    })
  ),
  on("publishes with skip, fail and unique if no file is there", (probe, store) =>
    Effect.gen(function* () {
      for (const onExists of ["skip", "fail", "unique"] as const) {
        const destination = `${probe.destination}-${onExists}`
        const published = yield* save(store, destination, onExists, onExists)
        yield* expect(published === destination, "the destination from publish", published)
        yield* expect((yield* store.stat(destination)) !== undefined, `a file from stat of ${destination}`, false)
      }
      yield* hasParts(probe, 0)
    })
  ),
  on("publishes under another name in the same directory", (probe, store) =>
    Effect.gen(function* () {
      const name = `${probe.destination.slice(probe.destination.lastIndexOf("/") + 1)}-other`
      const other = `${probe.destination}-other`
      const publishAs = (onExists: PublishOptions["onExists"]) =>
        withPart(store, probe.destination, (part) =>
          Effect.zipRight(
            write(part, "new"),
            Effect.suspend(() =>
              part.publish({ onExists, durability: "full", name, modifiedMillis: 1_000_000_000_000 })
            )
          )
        )
      const published = yield* publishAs("fail")
      yield* expect(published === other, other, published)
      yield* expect((yield* store.stat(other)) !== undefined, `a file from stat of ${other}`, false)
      const error = yield* Effect.flip(publishAs("fail"))
      yield* expect(error.reason === "exists", "the reason exists from publish with fail", error.reason)
      const skipped = yield* publishAs("skip")
      yield* expect(skipped === undefined, "undefined from publish with skip", skipped)
      const unique = yield* publishAs("unique")
      yield* expect(unique !== other && unique !== probe.destination, "a name that is free", unique)
      yield* holds(probe, undefined)
      yield* hasParts(probe, 0)
    })
  ),
  on("lets exactly one of many publish with fail", (probe, store) =>
    Effect.gen(function* () {
      const exits = yield* Effect.forEach(
        writers,
        (name) => Effect.exit(save(store, probe.destination, name, "fail")),
        { concurrency: "unbounded" }
      )
      const count = exits.filter(Exit.isSuccess).length
      yield* expect(count === 1, "1 part that is published", count)
      const found = yield* probe.read
      yield* expect(found !== undefined && writers.includes(found), "the whole content of one part", found)
      yield* hasParts(probe, 0)
    })
  ),
  on("gives each of many a name of its own with unique", (probe, store) =>
    Effect.gen(function* () {
      yield* save(store, probe.destination, "old")
      const paths = yield* Effect.forEach(writers, (name) => save(store, probe.destination, name, "unique"), {
        concurrency: "unbounded"
      })
      yield* expect(new Set(paths).size === 8 && !paths.includes(undefined), "8 names", paths)
      yield* expect(!paths.includes(probe.destination), "other names than the one that is taken", paths)
      for (const path of paths) {
        yield* expect((yield* store.stat(path ?? "")) !== undefined, `a file from stat of ${path}`, false)
      }
      yield* holds(probe, "old")
      yield* hasParts(probe, 0)
    })
  ),
  on("does not treat a directory as an existing file", (probe, store) =>
    Effect.gen(function* () {
      const { makeDirectory } = probe
      if (makeDirectory === undefined) {
        return
      }
      for (const onExists of ["skip", "fail", "overwrite"] as const) {
        const exit = yield* Effect.exit(
          withPart(store, probe.destination, (part) =>
            Effect.gen(function* () {
              yield* write(part, "new")
              // The first turn makes it between the opening and the publishing.
              yield* onExists === "skip" ? makeDirectory : Effect.void
              return yield* publish(part, onExists)
            })
          )
        )
        yield* expect(Exit.isFailure(exit), `that publish with ${onExists} fails`, exit)
      }
      const error = yield* Effect.flip(store.stat(probe.destination))
      yield* expect(error.reason === "other", "that stat fails, with the reason other", error)
      const other = yield* save(store, probe.destination, "new", "unique")
      yield* expect(other !== undefined && other !== probe.destination, "another name", other)
      yield* hasParts(probe, 0)
    })
  ),
  on("replaces a link, and not the file to which it leads", (probe, store) =>
    Effect.gen(function* () {
      const { destination, makeLink } = probe
      if (makeLink === undefined) {
        return
      }
      for (const to of [destination, `${destination}.nowhere`]) {
        for (const text of ["small", long("large")]) {
          yield* makeLink(to)
          yield* expect((yield* store.stat(destination)) !== undefined, "a file from stat of a link", false)
          const error = yield* Effect.flip(save(store, destination, text, "fail"))
          yield* expect(error.reason === "exists", "the reason exists from publish with fail", error.reason)
          yield* save(store, destination, text, "overwrite")
          yield* holds(probe, text)
          yield* hasParts(probe, 0)
        }
      }
    })
  ),
  on("keeps the mode of the file that it replaces, and allows no more access in the meantime", (probe, store) =>
    Effect.gen(function* () {
      const { modes } = probe
      if (modes === undefined) {
        return
      }
      yield* save(store, probe.destination, "new")
      const usual = (yield* modes.all)[0] ?? 0
      for (const mode of [0o600, 0o640, 0o664, 0o444, 0o755]) {
        for (const text of ["small", long("large")]) {
          yield* modes.set(mode)
          yield* withPart(store, probe.destination, (part) =>
            Effect.gen(function* () {
              yield* write(part, text)
              const meanwhile = yield* modes.all
              yield* expect(
                meanwhile.every((one) => (one & 0o077 & ~mode) === 0),
                `no file with more access for others than mode ${mode.toString(8)}`,
                meanwhile
              )
              yield* publish(part)
            })
          )
          yield* holds(probe, text)
          const after = yield* modes.all
          yield* expect(after.length === 1 && after[0] === mode, `mode ${mode.toString(8)}`, after)
        }
      }
      // Without the set-user-ID bit.
      yield* modes.set(0o4755)
      yield* save(store, probe.destination, "new")
      const after = yield* modes.all
      yield* expect(after[0] === 0o755, "mode 755", after)
      yield* modes.set(usual)
    })
  )
]
