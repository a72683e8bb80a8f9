/**
 * Finds and removes what unfinished transfers have left in a bucket.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { Bucket, Listed } from "./bucket.js"
import type { S3Failure } from "./failure.js"
import * as Keys from "./keys.js"
import { removeAll } from "./part.js"
import * as Record from "./record.js"

export interface Leftover {
  readonly id: string
  readonly destination: string | undefined
  readonly sizeBytes: number
  readonly modifiedMillis: number
}

/** A leftover, and the keys of its records. */
interface Found {
  sizeBytes: number
  modifiedMillis: number
  readonly records: Array<string>
}

export const find = (bucket: Bucket, prefix: string): Effect.Effect<ReadonlyArray<Leftover>, S3Failure> =>
  Effect.flatMap(listed(bucket, prefix), (all) =>
    Effect.forEach(
      all,
      ([id, { modifiedMillis, records, sizeBytes }]) =>
        Effect.map(recordOf(bucket, records.at(-1)), (record) => ({
          id,
          destination: record?.destination.slice(prefix.length),
          sizeBytes,
          modifiedMillis
        })),
      { concurrency: 8 }
    )
  )

/**
 * Removes the leftovers that were last written before this time, but not those of processes that have said since then that they live.
 * Returns their ids.
 */
export const remove = (
  bucket: Bucket,
  prefix: string,
  beforeMillis: number
): Effect.Effect<ReadonlyArray<string>, S3Failure> =>
  Effect.gen(function* () {
    const old = Array.from(yield* listed(bucket, prefix)).filter(([, found]) => found.modifiedMillis < beforeMillis)
    const owners = yield* bucket.list(Keys.owners(prefix))
    const live = new Set(
      owners
        .filter(({ modifiedMillis }) => modifiedMillis >= beforeMillis)
        .map(({ key }) => key.slice(Keys.owners(prefix).length))
    )
    const removed: Array<string> = []
    for (const [id, { records }] of old) {
      const owner = (yield* recordOf(bucket, records.at(-1)))?.owner
      if (owner !== undefined && live.has(owner)) {
        continue
      }
      removed.push(id)
      // The record first: without it no process continues the part.
      for (const key of records) {
        yield* bucket.remove(key)
      }
      yield* removeAll({ bucket, prefix }, id)
    }
    for (const { key, modifiedMillis } of owners) {
      yield* modifiedMillis < beforeMillis ? bucket.remove(key) : Effect.void
    }
    return removed
  })

const listed = (bucket: Bucket, prefix: string): Effect.Effect<ReadonlyMap<string, Found>, S3Failure> =>
  Effect.gen(function* () {
    const all = new Map<string, Found>()
    const add = (id: string, { modifiedMillis, sizeBytes }: Listed): Found => {
      const found = all.get(id) ?? { sizeBytes: 0, modifiedMillis: 0, records: [] }
      found.sizeBytes += sizeBytes
      found.modifiedMillis = Math.max(found.modifiedMillis, modifiedMillis)
      all.set(id, found)
      return found
    }
    const blocks = Keys.allBlocks(prefix)
    for (const object of yield* bucket.list(blocks)) {
      add(object.key.slice(blocks.length).split("/", 1)[0] ?? "", object)
    }
    const records = Keys.records(prefix)
    for (const object of yield* bucket.list(records)) {
      const name = Keys.parseRecordName(object.key.slice(records.length))
      if (name !== undefined) {
        add(name.id, object).records.push(object.key)
      }
    }
    return all
  })

const recordOf = (
  bucket: Bucket,
  key: string | undefined
): Effect.Effect<ReturnType<typeof Record.decode>, S3Failure> =>
  key === undefined
    ? Effect.succeed(undefined)
    : Effect.catchIf(
        Effect.map(bucket.get(key), Record.decode),
        ({ isMissing }) => isMissing,
        () => Effect.succeed(undefined)
      )
