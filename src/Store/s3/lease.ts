/**
 * Tells other processes that this one is alive, so that they do not take the parts that it uses.
 *
 * While a part with a checkpoint is in use, the process writes an object of its own again and again. A process whose object is
 * missing or old has ended. The times are those of the storage, so the clocks of the machines do not matter.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { Bucket } from "./bucket.js"
import type { S3Failure } from "./failure.js"
import * as Keys from "./keys.js"

export const renewal: Duration.Duration = Duration.seconds(5)

/** A process whose object is older has ended. The storage rounds times to seconds. */
export const lease: Duration.Duration = Duration.seconds(20)

export interface Lease {
  readonly owner: string
  /** Begins the use of a part. `release` ends it. */
  readonly hold: Effect.Effect<void, S3Failure>
  readonly release: Effect.Effect<void>
  /**
   * Whether the process that uses a part has ended. If its object is not old enough to tell, this waits until it is, and can be
   * interrupted.
   */
  readonly hasEnded: (owner: string) => Effect.Effect<boolean, S3Failure>
}

export const make = (bucket: Bucket, prefix: string): Effect.Effect<Lease, never, Scope.Scope> =>
  Effect.gen(function* () {
    const owner = yield* Keys.draw
    const scope = yield* Effect.scope
    const key = Keys.owners(prefix) + owner
    const lock = yield* Effect.makeSemaphore(1)
    const ended = new Set<string>([""])
    let held = 0
    let renewedAt = Number.NEGATIVE_INFINITY
    let isRenewing = false

    const renew = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      yield* bucket.put(key, new Uint8Array(0))
      renewedAt = now
    })

    const renewing = Effect.forever(
      Effect.zipRight(
        Effect.sleep(renewal),
        Effect.suspend(() => (held > 0 ? Effect.ignore(renew) : Effect.void))
      )
    )

    const begin = Effect.suspend(() => {
      if (isRenewing) {
        return Effect.void
      }
      isRenewing = true
      return Effect.zipRight(
        Scope.addFinalizer(scope, Effect.ignore(bucket.remove(key))),
        Effect.forkIn(Effect.interruptible(renewing), scope)
      )
    })

    const ageMillis = (other: string) =>
      Effect.map(bucket.head(Keys.owners(prefix) + other), (headers) => {
        const age = Date.parse(headers?.["date"] ?? "") - Date.parse(headers?.["last-modified"] ?? "")
        return headers === undefined ? Number.POSITIVE_INFINITY : Number.isNaN(age) ? 0 : age
      })

    const hasEnded = Effect.fnUntraced(function* (other: string) {
      if (other === owner || ended.has(other)) {
        return true
      }
      const leaseMillis = Duration.toMillis(lease)
      const age = yield* ageMillis(other)
      if (age < leaseMillis) {
        yield* Effect.interruptible(Effect.sleep(leaseMillis - Math.max(0, age) + 1000))
        if ((yield* ageMillis(other)) < leaseMillis) {
          return false
        }
      }
      ended.add(other)
      yield* Effect.ignore(bucket.remove(Keys.owners(prefix) + other))
      return true
    })

    return {
      owner,
      hold: lock.withPermits(1)(
        Effect.uninterruptible(
          Effect.gen(function* () {
            const now = yield* Clock.currentTimeMillis
            if (now - renewedAt >= Duration.toMillis(renewal)) {
              yield* renew
            }
            held++
            yield* begin
          })
        )
      ),
      release: Effect.sync(() => {
        held--
      }),
      hasEnded
    }
  })
