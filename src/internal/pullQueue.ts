/**
 * A queue whose items are added by calls and taken by one stream.
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

export class PullQueue<A, E> {
  private items: Array<A> = []
  private exit: Exit.Exit<unknown, E> | undefined
  private wake: (() => void) | undefined

  /** `onTaken` is called when the stream has taken all items. */
  constructor(private readonly onTaken: () => void) {}

  get length(): number {
    return this.items.length
  }

  add(item: A): void {
    this.items.push(item)
    this.wake?.()
  }

  /** Ends the stream after the items. The first call counts. */
  end(exit: Exit.Exit<unknown, E>): void {
    this.exit ??= exit
    this.wake?.()
  }

  /** The items. It can be run once. */
  get stream(): Stream.Stream<A, E> {
    return Stream.repeatEffectChunkOption(Effect.suspend(() => this.take()))
  }

  private take(): Effect.Effect<Chunk.Chunk<A>, Option.Option<E>> {
    if (this.items.length > 0) {
      const items = Chunk.unsafeFromArray(this.items)
      this.items = []
      this.onTaken()
      return Exit.succeed(items)
    }
    if (this.exit !== undefined) {
      return Exit.isSuccess(this.exit)
        ? Exit.fail(Option.none())
        : Exit.failCause(Cause.map(this.exit.cause, Option.some))
    }
    return Effect.zipRight(
      Effect.async<void>((resume) => {
        this.wake = () => {
          this.wake = undefined
          resume(Exit.void)
        }
        return Effect.sync(() => {
          this.wake = undefined
        })
      }),
      Effect.suspend(() => this.take())
    )
  }
}
