/**
 * Makes the objects of one key one after the other. A storage without conditional writes is asked whether there is an object, and
 * another transfer of this process must not make one in between.
 *
 * @internal
 */
import * as Effect from "effect/Effect"

export class KeyQueue {
  private readonly locks = new Map<string, { readonly semaphore: Effect.Semaphore; users: number }>()

  withKey<A, E>(key: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      const lock = this.locks.get(key) ?? { semaphore: Effect.unsafeMakeSemaphore(1), users: 0 }
      this.locks.set(key, lock)
      lock.users++
      return Effect.ensuring(
        lock.semaphore.withPermits(1)(effect),
        Effect.sync(() => {
          lock.users--
          if (lock.users === 0) {
            this.locks.delete(key)
          }
        })
      )
    })
  }
}
