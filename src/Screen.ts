/**
 * The port for output to a person: a terminal, or a stream of lines.
 *
 * Its methods are plain functions, because a logger writes outside of Effects, and the status line must be wiped first.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Printable from "./internal/text/printable.js"

/**
 * Writes text for a person.
 *
 * @category tags
 * @since 0.1.0
 */
export class Screen extends Context.Tag("halyard/Screen")<
  Screen,
  {
    /** True if the screen supports escape sequences. If it is false, none may be written. */
    readonly isTerminal: boolean
    /** Writes text, in the order of the calls. It never throws and never waits: text that the reader has not read is kept in memory. */
    readonly write: (text: string) => void
    /** True while written text is kept in memory. The status line is not drawn during this time. */
    readonly isBusy: () => boolean
    /** The current width in columns. It can change at any time. */
    readonly columns: () => number
    /** The current height in rows. It can change at any time. */
    readonly rows: () => number
    /** True if the terminal shows colours, and the user wants them. Default: false. */
    readonly hasColors?: boolean | undefined
    /**
     * True if the terminal shows progress in its tab or in the task bar, by the sequence of ConEmu (OSC 9;4). Others may show it as
     * text or as a notification. Default: false.
     */
    readonly hasTabProgress?: boolean | undefined
    /**
     * True if the terminal moves its cursor down when the window becomes narrower and text wraps: by one row for each added row, also
     * for text below the cursor. xterm.js does that. False: the cursor stays in its line. Default: false.
     */
    readonly movesCursorOnWrap?: boolean | undefined
  }
>() {}

/**
 * The text that was written to a recording screen.
 *
 * @category tags
 * @since 0.1.0
 */
export class Recording extends Context.Tag("halyard/Screen/Recording")<
  Recording,
  {
    /** All writes so far, the first write first. */
    readonly writes: () => ReadonlyArray<string>
    /** The writes so far without escape sequences, such as the status lines. Empty writes are left out. */
    readonly frames: () => ReadonlyArray<string>
  }
>() {}

/**
 * A screen that records all text, for tests. Default: a terminal with 80 columns and 24 rows.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRecording = (options?: {
  readonly isTerminal?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  readonly hasTabProgress?: boolean | undefined
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
        columns: () => options?.columns ?? 80,
        rows: () => options?.rows ?? 24,
        hasTabProgress: options?.hasTabProgress
      }).pipe(
        Context.add(Recording, {
          writes: () => writes.slice(),
          frames: () => writes.map(Printable.withoutEscapes).filter((text) => text !== "")
        })
      )
    })
  )
