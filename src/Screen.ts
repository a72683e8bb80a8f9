/**
 * The port to what a person is looking at: a terminal, or a stream that only takes lines.
 *
 * Its methods are plain functions: a log line has to wipe the status line in the very moment in which it is written,
 * from code that is no Effect.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Printable from "./internal/text/printable.js"

/**
 * What a person is looking at.
 *
 * @category tags
 * @since 0.1.0
 */
export class Screen extends Context.Tag("halyard/Screen")<
  Screen,
  {
    /** Whether escape sequences move a cursor here. Where not, none may be written. */
    readonly isTerminal: boolean
    /** Writes in order. Never throws and never waits for a reader: text that the reader has not taken is kept in memory. */
    readonly write: (text: string) => void
    /** Whether written text still waits in memory. A status line is not drawn then, because it would not be shown. */
    readonly isBusy: () => boolean
    /** The width now; it can change at any time. */
    readonly columns: () => number
  }
>() {}

/**
 * What was written to a recording screen.
 *
 * @category tags
 * @since 0.1.0
 */
export class Recording extends Context.Tag("halyard/Screen/Recording")<
  Recording,
  {
    /** Every write so far, oldest first. */
    readonly writes: () => ReadonlyArray<string>
    /** The spinner's and other status lines that were drawn so far, without escape sequences. */
    readonly frames: () => ReadonlyArray<string>
  }
>() {}

/**
 * A screen that keeps what is written, for tests: a terminal of 80 columns where nothing else is said.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRecording = (options?: {
  readonly isTerminal?: boolean | undefined
  readonly columns?: number | undefined
}): Layer.Layer<Screen | Recording> =>
  Layer.effectContext(
    Effect.sync(() => {
      const writes: Array<string> = []
      return Context.make(Screen, {
        isTerminal: options?.isTerminal ?? true,
        write: (text) => {
          writes.push(text)
        },
        isBusy: () => false,
        columns: () => options?.columns ?? 80
      }).pipe(
        Context.add(Recording, {
          writes: () => writes.slice(),
          frames: () => writes.map(Printable.withoutEscapes).filter((text) => text !== "")
        })
      )
    })
  )
