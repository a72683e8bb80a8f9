/**
 * What a store keeps of a part for a later run.
 */
import * as Effect from "effect/Effect"
import type { Scope } from "effect/Scope"
import type { Disk } from "../../../DownloadError.js"
import type { Opened, Store } from "../../../Store.js"
import { type Case, type ContractBroken, expect } from "../Case.js"
import { type CaseOf, hasParts, holds, long, publish, read, type StoreProbe, write } from "./probe.js"

type Service = typeof Store.Service

/** Opens a part, which is discarded at the end if it is still in use. */
const opened = (store: Service, destination: string, resume: string | undefined): Effect.Effect<Opened, Disk, Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => store.open(destination, { resume })),
    ({ part }) => part.close("discard")
  )

/** Opens a part, and checks what it has. */
const openHolding = (
  store: Service,
  destination: string,
  resume: string | undefined,
  record: string | undefined,
  text: string
): Effect.Effect<Opened, Disk | ContractBroken, Scope> =>
  Effect.gen(function* () {
    const found = yield* opened(store, destination, resume)
    yield* expect(found.record === record, `the record ${record}`, found.record)
    const content = yield* read(found.part, 0, text.length + 10)
    yield* expect(content === text, `a part of ${text.length} bytes`, `other bytes, ${content.length} of them`)
    return found
  })

const first = long("first ")

const second = long("second")

const keyOf = (word: string): string => word.repeat(16)

const a = keyOf("aaaa")

const b = keyOf("bbbb")

export const cases = (on: CaseOf): ReadonlyArray<Case> => {
  const onKept = (
    title: string,
    body: (probe: StoreProbe, store: Service) => Effect.Effect<void, unknown, Scope>
  ): Case => on(title, (probe, store) => (probe.keeps === true ? body(probe, store) : Effect.void))
  return [
    on("opens an empty part if none was kept, and keeps nothing without a checkpoint or a key", (probe, store) =>
      Effect.gen(function* () {
        for (const resume of [a, undefined]) {
          for (const text of ["small", first]) {
            const { part } = yield* openHolding(store, probe.destination, resume, undefined, "")
            yield* write(part, text)
            yield* resume === undefined ? part.checkpoint("text", "rename") : Effect.void
            yield* part.close("keep")
            yield* hasParts(probe, 0)
          }
        }
        yield* openHolding(store, probe.destination, a, undefined, "")
      })
    ),
    on("publishes a part after checkpoints, and leaves nothing beside it", (probe, store) =>
      Effect.gen(function* () {
        for (const durability of ["full", "rename"] as const) {
          const { part } = yield* openHolding(store, probe.destination, a, undefined, "")
          yield* part.reserve(first.length + second.length)
          yield* part.checkpoint("nothing", durability)
          yield* write(part, first)
          yield* part.checkpoint("first", durability)
          yield* write(part, second, first.length)
          yield* part.checkpoint("second", durability)
          yield* publish(part, "overwrite", durability)
          yield* part.close("keep")
          yield* holds(probe, first + second)
          yield* hasParts(probe, 0)
        }
      })
    ),
    onKept("opens a kept part with the record of its last checkpoint", (probe, store) =>
      Effect.gen(function* () {
        for (const [before, durability] of [
          [undefined, "full"],
          [`${first}${second}the end`, "rename"]
        ] as const) {
          const { part } = yield* openHolding(store, probe.destination, a, undefined, "")
          yield* write(part, first)
          yield* part.checkpoint("the first, \u{1F600}", durability)
          yield* write(part, second, first.length)
          yield* part.checkpoint("both\n", durability)
          yield* part.close("keep")
          yield* part.close("discard")
          yield* hasParts(probe, 1)
          yield* holds(probe, before)
          const again = yield* openHolding(store, probe.destination, a, "both\n", first + second)
          yield* write(again.part, "the end", first.length + second.length)
          yield* publish(again.part)
          yield* holds(probe, `${first}${second}the end`)
          yield* hasParts(probe, 0)
        }
      })
    ),
    onKept("keeps a part again, with and without a further checkpoint", (probe, store) =>
      Effect.gen(function* () {
        const { part } = yield* opened(store, probe.destination, a)
        yield* write(part, first)
        yield* part.checkpoint("1", "rename")
        yield* part.close("keep")
        const again = yield* openHolding(store, probe.destination, a, "1", first)
        yield* again.part.close("keep")
        for (let turn = 2; turn < 20; turn++) {
          const later = yield* opened(store, probe.destination, a)
          yield* expect(later.record === `${turn - 1}`, `the record ${turn - 1}`, later.record)
          yield* write(later.part, `${turn}`.padStart(4), first.length + 4 * (turn - 2))
          // Records of different lengths.
          yield* later.part.checkpoint("-".repeat((turn * 7919) % 5000), "rename")
          yield* later.part.checkpoint(`${turn}`, "rename")
          yield* later.part.close("keep")
          yield* hasParts(probe, 1)
        }
      })
    ),
    onKept("removes the bytes after the last checkpoint", (probe, store) =>
      Effect.gen(function* () {
        const { part } = yield* opened(store, probe.destination, a)
        yield* write(part, first)
        yield* part.checkpoint("first", "rename")
        yield* write(part, second, first.length)
        yield* part.close("keep")
        const again = yield* openHolding(store, probe.destination, a, "first", first)
        yield* publish(again.part)
        yield* holds(probe, first)
      })
    ),
    onKept("does not find a part under another key or destination, or after it was discarded", (probe, store) =>
      Effect.gen(function* () {
        const { part } = yield* opened(store, probe.destination, a)
        yield* write(part, first)
        yield* part.checkpoint("first", "rename")
        yield* part.close("keep")
        for (const [destination, key] of [
          [probe.destination, b],
          [probe.destination, undefined],
          [`${probe.destination}2`, a]
        ] as const) {
          yield* Effect.scoped(openHolding(store, destination, key, undefined, ""))
        }
        const again = yield* openHolding(store, probe.destination, a, "first", first)
        yield* again.part.close("discard")
        yield* hasParts(probe, 0)
        yield* openHolding(store, probe.destination, a, undefined, "")
      })
    ),
    onKept("never opens a part twice at a time", (probe, store) =>
      Effect.gen(function* () {
        const { part } = yield* opened(store, probe.destination, a)
        yield* write(part, first)
        yield* part.checkpoint("first", "rename")
        yield* openHolding(store, probe.destination, a, undefined, "")
        yield* part.close("keep")
        const found = yield* Effect.forEach([1, 2, 3, 4, 5], () => opened(store, probe.destination, a), {
          concurrency: "unbounded"
        })
        const count = found.filter(({ record }) => record === "first").length
        yield* expect(count === 1, "1 call that opens the kept part", count)
        yield* Effect.forEach(found, ({ part, record }) => (record === undefined ? write(part, second) : Effect.void))
        const content = yield* read(found.find(({ record }) => record === "first")?.part ?? part, 0, first.length)
        yield* expect(content === first, "the content of the kept part", `other bytes, ${content.length} of them`)
      })
    ),
    onKept("makes a checkpoint beside writes that are under way", (probe, store) =>
      Effect.gen(function* () {
        for (const durability of ["full", "rename"] as const) {
          const { part } = yield* opened(store, probe.destination, a)
          yield* write(part, first)
          yield* Effect.all(
            [
              part.checkpoint("first", durability),
              write(part, second, first.length),
              write(part, "end", first.length + second.length)
            ],
            { concurrency: "unbounded" }
          )
          yield* part.close("keep")
          const again = yield* opened(store, probe.destination, a)
          yield* expect(again.record === "first", "the record first", again.record)
          const content = yield* read(again.part, 0, first.length)
          yield* expect(content === first, "the bytes before the checkpoint", `other bytes, ${content.length} of them`)
          yield* again.part.close("discard")
          yield* hasParts(probe, 0)
        }
      })
    )
  ]
}
