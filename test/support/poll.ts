/**
 * Waits for what another process does.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

/** The expected state did not come before the limit. */
export class NeverCame extends Data.Error<{ readonly what: string; readonly seen: string }> {
  override get message(): string {
    return `no ${this.what} within ${limit}; seen:\n${this.seen}`
  }
}

// Far longer than any wait on a busy machine. It ends a test that would wait forever, and shows what the test has seen.
const limit = "5 minutes"

/** Limits a wait. */
export const within =
  (what: string, seen: () => string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.timeoutTo(effect, { duration: limit, onSuccess: Effect.succeed, onTimeout: () => undefined }).pipe(
      Effect.flatMap((done) => done ?? Effect.die(new NeverCame({ what, seen: seen() })))
    )

/** Calls the function every few milliseconds, and returns its first result that is not undefined. */
export const until = <A>(what: string, look: () => A | undefined, seen: () => string): Effect.Effect<A> => {
  const again: Effect.Effect<A> = Effect.suspend(() => {
    const found = look()
    return found === undefined ? Effect.zipRight(Effect.sleep("5 millis"), again) : Effect.succeed(found)
  })
  return within(what, seen)(again)
}
