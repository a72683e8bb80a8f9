/**
 * Finds the parts that earlier runs have left, and takes one that no process uses.
 *
 * A directory is read once, at the first destination in it. Later destinations look into the list, which costs nothing if the directory
 * has no parts.
 *
 * @internal
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import { codeOf } from "../../DownloadError/diskErrors.js"
import { isExit } from "../../internal/andThen.js"
import { completeWhenDescriptorFree, isTooManyOpenCode } from "../../internal/descriptors.js"
import type { OpenFiles } from "../files/openFiles.js"
import * as PartName from "../files/partName.js"
import { copied } from "./copyPart.js"
import type { Backend, Left, Place, Taken, Usable } from "./leftPart.js"
import { isSameBoot } from "./processTable.js"
import type { Located } from "./record.js"
import * as RecordFile from "./recordFile.js"

type Index = Map<string, Array<Left>>

export class KeptParts {
  /** By directory: the list, or an effect that waits for it. */
  private readonly indexes = new Map<string, Effect.Effect<Index>>()

  /** Takes the part of a destination and key. Undefined if there is none that can be continued. It fails with no error. */
  take<Handle>(backend: Backend<Handle>, place: Place): Effect.Effect<Taken | undefined> {
    const known = this.indexes.get(place.directory)
    if (known !== undefined && isExit(known)) {
      return Exit.isSuccess(known) ? this.taken(backend, place, known.value) : Exit.succeed(undefined)
    }
    return Effect.flatMap(known ?? Effect.suspend(() => this.listed(backend, place)), (index) =>
      this.taken(backend, place, index)
    )
  }

  /** Adds a part that is kept and not in use. */
  add(directory: string, left: Left): void {
    const index = this.indexes.get(directory)
    if (index !== undefined && isExit(index) && Exit.isSuccess(index)) {
      addTo(index.value, left)
    }
  }

  private listed<Handle>(
    { operations, openFiles }: Backend<Handle>,
    { directory, prefix }: Place
  ): Effect.Effect<Index> {
    const known = this.indexes.get(directory)
    if (known !== undefined) {
      return known
    }
    const deferred = Deferred.unsafeMake<Index>(FiberId.none)
    this.indexes.set(directory, Effect.interruptible(Deferred.await(deferred)))
    const names = Effect.orElseSucceed(withDescriptor(openFiles, operations.list(directory)), () => [])
    const reading = Effect.gen(function* () {
      const first = yield* names
      const orphans = orphansIn(first)
      // A part may get another owner while the directory is read, and be missed.
      for (const id of orphans.length === 0 ? [] : intersection(orphans, orphansIn(yield* names))) {
        yield* Effect.ignore(operations.remove(prefix + PartName.recordName(id)))
      }
      return indexOf(first)
    })
    return Effect.onExit(Effect.uninterruptible(reading), (exit) =>
      Effect.sync(() => {
        if (Exit.isSuccess(exit)) {
          this.indexes.set(directory, exit)
          this.forgetOldest()
        } else {
          this.indexes.delete(directory)
        }
        Deferred.unsafeDone(deferred, exit)
      })
    )
  }

  /** Limits the memory of a program that writes to ever more directories. */
  private forgetOldest(): void {
    for (const [directory, index] of this.indexes) {
      if (this.indexes.size <= directoriesAtMost) {
        return
      }
      if (isExit(index)) {
        this.indexes.delete(directory)
      }
    }
  }

  private taken<Handle>(backend: Backend<Handle>, place: Place, index: Index): Effect.Effect<Taken | undefined> {
    if (index.size === 0) {
      return Exit.succeed(undefined)
    }
    const found = index.get(PartName.tagOf(place.destinationName, place.key))
    return found === undefined || found.length === 0 ? Exit.succeed(undefined) : takeBest(backend, place, found)
  }
}

const directoriesAtMost = 256

/** Takes the part with the most bytes, and removes the others that no process uses. `left` is the list, which changes. */
const takeBest = <Handle>(
  backend: Backend<Handle>,
  place: Place,
  left: Array<Left>
): Effect.Effect<Taken | undefined> =>
  Effect.gen(function* () {
    const { operations, openFiles, shared } = backend
    const usable: Array<Usable> = []
    // Out of the list while they are looked at, so that no other transfer of this process does the same.
    for (const part of left.splice(0)) {
      const state = part.owner === PartName.noOwner ? "ended" : yield* shared.processes.stateOf(part.owner)
      if (state === "running") {
        left.push(part)
        continue
      }
      const located = yield* withDescriptor(openFiles, recordOf(backend, place, part))
      const inspected = yield* operations.inspect(place.prefix + part.name)
      if (inspected === undefined || !inspected.isOwn) {
        continue
      }
      if (located === undefined || inspected.sizeBytes < located.checkpoint.sizeBytes) {
        yield* state === "ended" ? removed(backend, place, part) : Effect.void
      } else {
        usable.push({ part, isEnded: state === "ended", located, allocatedBytes: inspected.allocatedBytes })
      }
    }
    usable.sort((one, other) => other.allocatedBytes - one.allocatedBytes)
    let taken: Taken | undefined
    for (const candidate of usable) {
      if (taken === undefined) {
        taken = yield* candidate.isEnded ? claimed(backend, place, candidate) : copied(backend, place, candidate)
      } else if (candidate.isEnded) {
        yield* removed(backend, place, candidate.part)
      }
    }
    return taken
  }).pipe(Effect.orElseSucceed(() => undefined))

/** The last checkpoint of a part, if it is of this destination and key, and its bytes are still there. */
const recordOf = <Handle>(
  { operations, shared }: Backend<Handle>,
  { destinationName, key, prefix }: Place,
  { id }: Left
): Effect.Effect<Located | undefined, unknown> =>
  Effect.map(RecordFile.read(operations, prefix + PartName.recordName(id)), (located) => {
    const { boot } = located?.checkpoint ?? {}
    const isThere =
      boot === undefined || (shared.processes.boot !== undefined && isSameBoot(boot, shared.processes.boot))
    return isThere && located?.checkpoint.key === key && located.checkpoint.destination === destinationName
      ? located
      : undefined
  })

/** Gives a part to this process, in one step: of several processes, only one can rename it. */
const claimed = <Handle>(
  { operations, shared }: Backend<Handle>,
  { destinationName, prefix }: Place,
  { allocatedBytes, located, part }: Usable
): Effect.Effect<Taken | undefined> => {
  const path = prefix + PartName.partName(part.id, shared.processes.own, destinationName)
  return Effect.match(operations.rename(prefix + part.name, path), {
    onFailure: () => undefined,
    onSuccess: () => {
      const record = new RecordFile.RecordFile(prefix + PartName.recordName(part.id), located)
      return { id: part.id, path, record, located, allocatedBytes }
    }
  })
}

const removed = <Handle>({ operations }: Backend<Handle>, { prefix }: Place, { id, name }: Left): Effect.Effect<void> =>
  // The record last: a record without a part is removed by the next run.
  Effect.matchEffect(operations.remove(prefix + name), {
    onFailure: () => Effect.void,
    onSuccess: () => Effect.ignore(operations.remove(prefix + PartName.recordName(id)))
  })

const withDescriptor = <A>(openFiles: OpenFiles, effect: Effect.Effect<A, unknown>): Effect.Effect<A, unknown> =>
  completeWhenDescriptorFree((cause) => isTooManyOpenCode(codeOf(cause)) && (openFiles.freeDescriptor() || true))(
    effect
  )

const indexOf = (names: ReadonlyArray<string>): Index => {
  const index: Index = new Map()
  for (const name of names) {
    const parsed = PartName.parse(name)
    if (parsed?.kind === "part") {
      addTo(index, { id: parsed.id, owner: parsed.owner, name })
    }
  }
  return index
}

const addTo = (index: Index, left: Left): void => {
  const tag = PartName.tagOfId(left.id)
  const list = index.get(tag)
  if (list === undefined) {
    index.set(tag, [left])
  } else {
    list.push(left)
  }
}

/** The ids of the records without a part. */
export const orphansIn = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const parsed = names.flatMap((name) => PartName.parse(name) ?? [])
  const parts = new Set(parsed.flatMap((one) => (one.kind === "part" ? [one.id] : [])))
  return parsed.flatMap((one) => (one.kind === "record" && !parts.has(one.id) ? [one.id] : []))
}

const intersection = (some: ReadonlyArray<string>, others: ReadonlyArray<string>): ReadonlyArray<string> =>
  some.filter((one) => others.includes(one))
