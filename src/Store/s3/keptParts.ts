/**
 * Finds the parts that earlier runs have left, and takes one that no process uses.
 *
 * The records are listed at the first request that resumes, and again after a minute. A listing costs one request for 1,000 parts.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Bucket, Listed } from "./bucket.js"
import type { S3Failure } from "./failure.js"
import * as Keys from "./keys.js"
import type { Lease } from "./lease.js"
import * as Record from "./record.js"

/** A kept part that this process has taken. */
export interface Taken {
  readonly id: string
  readonly generation: number
  readonly kept: Record.KeptRecord
  /** True if its process was killed: it may have left more objects than the record names. */
  readonly wasKilled: boolean
}

interface Left {
  readonly id: string
  readonly generation: number
  /** Generations that a killed process has not removed. */
  readonly older: ReadonlyArray<number>
}

const freshness = Duration.minutes(1)

export class KeptParts {
  private index = new Map<string, Array<Left>>()
  private readonly inUse = new Set<string>()
  private listedAt = Number.NEGATIVE_INFINITY
  private readonly lock = Effect.unsafeMakeSemaphore(1)

  constructor(
    private readonly bucket: Bucket,
    private readonly prefix: string,
    private readonly lease: Lease
  ) {}

  /** Takes the part of a destination and a key. Undefined if there is none that is free. Run it uninterruptible. */
  take(destination: string, resume: string): Effect.Effect<Taken | undefined, S3Failure> {
    const tag = Keys.tagOf(destination, resume)
    return Effect.zipRight(
      this.refreshed,
      Effect.suspend(() => this.takeFirst(tag, destination, resume, this.index.get(tag) ?? []))
    )
  }

  /** Adds a part that is kept and not in use. */
  add(tag: string, id: string, generation: number): void {
    this.inUse.delete(id)
    this.addLeft(tag, { id, generation, older: [] })
  }

  /** Forgets a part that was removed. */
  forget(id: string): void {
    this.inUse.delete(id)
  }

  /** Remembers that a part is in use, before its first record is written. */
  use(id: string): void {
    this.inUse.add(id)
  }

  recordKey(tag: string, id: string, generation: number): string {
    return Keys.records(this.prefix) + Keys.recordName(tag, id, generation)
  }

  /** Lists the records if the last listing is old. Fails if the bucket cannot be used. */
  get refreshed(): Effect.Effect<void, S3Failure> {
    return this.lock.withPermits(1)(
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        now - this.listedAt < Duration.toMillis(freshness) ? Effect.void : this.list(now)
      )
    )
  }

  private list(now: number): Effect.Effect<void, S3Failure> {
    return this.bucket.list(Keys.records(this.prefix)).pipe(
      // Credentials that may only write keep no parts.
      Effect.catchIf(
        ({ code }) => code === "AccessDenied",
        () => Effect.succeed([])
      ),
      Effect.map((found) => this.relist(found, now))
    )
  }

  private relist(found: ReadonlyArray<Listed>, now: number): void {
    const prefix = Keys.records(this.prefix)
    const names = found
      .flatMap(({ key }) => Keys.parseRecordName(key.slice(prefix.length)) ?? [])
      .filter(({ id }) => !this.inUse.has(id))
      .sort((one, other) => other.generation - one.generation)
    this.listedAt = now
    this.index = new Map()
    const older = new Map<string, Array<number>>()
    for (const { generation, id, tag } of names) {
      const ofNewest = older.get(id)
      if (ofNewest === undefined) {
        const none: Array<number> = []
        older.set(id, none)
        this.addLeft(tag, { id, generation, older: none })
      } else {
        ofNewest.push(generation)
      }
    }
  }

  private addLeft(tag: string, left: Left): void {
    const others = this.index.get(tag)
    if (others === undefined) {
      this.index.set(tag, [left])
    } else {
      others.push(left)
    }
  }

  private takeFirst(
    tag: string,
    destination: string,
    resume: string,
    left: Array<Left>
  ): Effect.Effect<Taken | undefined, S3Failure> {
    return Effect.gen(this, function* () {
      // Out of the list while they are looked at, so that no other transfer of this process does the same.
      const candidates = left.splice(0)
      for (const candidate of candidates) {
        this.inUse.add(candidate.id)
      }
      let taken: Taken | undefined
      const rest = new Set(candidates)
      const giveBack = Effect.sync(() => {
        for (const candidate of rest) {
          this.inUse.delete(candidate.id)
          this.addLeft(tag, candidate)
        }
      })
      return yield* Effect.gen(this, function* () {
        for (const candidate of candidates) {
          taken = yield* this.claim(tag, destination, resume, candidate)
          if (taken !== undefined) {
            rest.delete(candidate)
            return taken
          }
        }
        return undefined
      }).pipe(Effect.ensuring(giveBack))
    })
  }

  private claim(
    tag: string,
    destination: string,
    resume: string,
    { generation, id, older }: Left
  ): Effect.Effect<Taken | undefined, S3Failure> {
    const { bucket, lease } = this
    return Effect.gen(this, function* () {
      const found = yield* orMissing(bucket.get(this.recordKey(tag, id, generation)))
      const kept = found === undefined ? undefined : Record.decode(found)
      if (kept === undefined || kept.destination !== destination || kept.resume !== resume) {
        return undefined
      }
      const wasKilled = kept.owner !== "" && kept.owner !== lease.owner
      if (wasKilled && !(yield* lease.hasEnded(kept.owner))) {
        return undefined
      }
      const own = { ...kept, owner: lease.owner }
      yield* lease.hold
      const isOwn = yield* Effect.onError(
        created(bucket, this.recordKey(tag, id, generation + 1), own),
        () => lease.release
      )
      if (!isOwn) {
        yield* lease.release
        return undefined
      }
      for (const previous of [generation, ...older]) {
        yield* Effect.ignore(bucket.remove(this.recordKey(tag, id, previous)))
      }
      return { id, generation: generation + 1, kept: own, wasKilled: wasKilled || older.length > 0 }
    })
  }
}

const orMissing = (effect: Effect.Effect<Uint8Array, S3Failure>): Effect.Effect<Uint8Array | undefined, S3Failure> =>
  Effect.catchIf(
    effect,
    ({ isMissing }) => isMissing,
    () => Effect.succeed(undefined)
  )

/**
 * Creates the record of a part that this process takes. Returns false if another process has created it. A storage without conditional
 * writes is asked first.
 */
const created = (bucket: Bucket, key: string, record: Record.KeptRecord): Effect.Effect<boolean, S3Failure> => {
  const body = Record.encode(record)
  return bucket.put(key, body, { metadata: {}, ifAbsent: true }).pipe(
    Effect.as(true),
    Effect.catchIf(
      ({ status }) => status === 412,
      // A repeated request finds the object that the first one has created, if its response was lost.
      () =>
        Effect.map(
          orMissing(bucket.get(key)),
          (found) => found !== undefined && Record.decode(found)?.owner === record.owner
        )
    ),
    Effect.catchIf(
      ({ status }) => status === 501,
      () =>
        Effect.flatMap(bucket.head(key), (found) =>
          found === undefined ? Effect.as(bucket.put(key, body), true) : Effect.succeed(false)
        )
    )
  )
}
