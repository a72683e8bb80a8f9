/**
 * A store for one content that stays in memory.
 *
 * @internal
 */
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { Part, Store } from "../../Store.js"
import { GrowingBytes, partIn } from "./growingBytes.js"

export class InMemory {
  private content = new GrowingBytes()

  /** The content, when it was published. */
  get bytes(): Uint8Array {
    return this.content.whole()
  }

  readonly store: typeof Store.Service = {
    prepare: () => Exit.void,
    stat: () => Exit.succeed(undefined),
    read: () => Stream.empty,
    open: (destination) => {
      const content = new GrowingBytes()
      this.content = content
      const part: Part = {
        ...partIn(content),
        checkpoint: () => Exit.void,
        publish: () => Exit.succeed(destination),
        close: () => Exit.void
      }
      return Exit.succeed({ part, record: undefined })
    }
  }
}
