/**
 * Waiting for something that other processes do: look, and look again, until it is there or too much time has passed.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** What was waited for did not come. */
export class NeverCame extends Data.Error<{ readonly what: string; readonly within: string; readonly seen: string }> {
  override get message(): string {
    return `no ${this.what} within ${this.within}; seen:\n${this.seen}`
  }
}

/** Bounds a wait; what was seen until then is told where it is too long. */
export const within =
  (what: string, seen: () => string, limit: Duration.DurationInput = "15 seconds") =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.timeoutTo(effect, { duration: limit, onSuccess: Effect.succeed, onTimeout: () => undefined }).pipe(
      Effect.flatMap(
        (done) => done ?? Effect.die(new NeverCame({ what, within: Duration.format(limit), seen: seen() }))
      )
    )

/** Looks every few milliseconds until there is something, and gives that. */
export const until = <A>(
  what: string,
  look: () => A | undefined,
  seen: () => string,
  limit?: Duration.DurationInput
): Effect.Effect<A> => {
  const again: Effect.Effect<A> = Effect.suspend(() => {
    const found = look()
    return found === undefined ? Effect.zipRight(Effect.sleep("5 millis"), again) : Effect.succeed(found)
  })
  return within(what, seen, limit)(again)
}
