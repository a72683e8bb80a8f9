/**
 * The line at the bottom of a screen that shows the current state of a program.
 *
 * There is at most one status line at a time, at the cursor. Other output goes through `print` or `console`, which erase the status
 * line, write, and draw it again. The cursor is hidden while the status line is drawn. If the screen is not a terminal, no status
 * line is drawn.
 *
 * @since 0.1.0
 */
import type * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { clip, displayWidth } from "./internal/text/displayWidth.js"
import { Screen } from "./Screen.js"

/**
 * The status line of a screen.
 *
 * @category tags
 * @since 0.1.0
 */
export class StatusLine extends Context.Tag("halyard/StatusLine")<
  StatusLine,
  {
    /** If false, the status line is never drawn. */
    readonly isTerminal: boolean
    /** The current width of the screen. */
    readonly columns: () => number
    /**
     * Draws one line of text, clipped to the width of the screen, in place of the previous text. Does nothing while the screen is
     * busy.
     */
    readonly draw: (text: string) => void
    /** Erases the status line and shows the cursor. Does nothing if there is no status line. */
    readonly clear: () => void
    /**
     * Erases the status line, calls `write` to write `text` to the same terminal, and draws the status line again. If `text` does
     * not end with a line end, `partial` decides. `join` draws the status line after the text, in the same row. `wait` draws it
     * when a later text ends the row. Default: `join`.
     */
    readonly print: (
      text: string,
      write: (text: string) => void,
      options?: { readonly partial?: "join" | "wait" | undefined }
    ) => void
    /** Returns a console that erases the status line before it writes, and draws it again. */
    readonly console: (console: Console.Console) => Console.Console
    /** Writes a line to the screen. */
    readonly line: (text: string) => void
  }
>() {}

const hideCursor = "\u001b[?25l"
const showCursor = "\u001b[?25h"
const eraseToEndOfRow = "\u001b[K"
const eraseToEndOfScreen = "\u001b[J"

/**
 * Makes the status line of the screen in the context.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<typeof StatusLine.Service, never, Screen> = Effect.map(Screen, (screen) => {
  // The current text and its drawn width. The width is 0 while the status line is erased.
  let status: { readonly text: string; readonly width: number } | undefined
  // The first column of the status line. Other text is before it in the same row.
  let column = 0
  let isWaiting = false
  let isCursorHidden = false

  // Moves the cursor to the start of the status line. If the window became narrower, the line has wrapped into several rows.
  const moveToStart = (): string => {
    const rows = Math.ceil((column + (status?.width ?? 0)) / Math.max(1, screen.columns())) - 1
    return `\r${status !== undefined && rows > 0 ? `\u001b[${rows}A` : ""}${column > 0 ? `\u001b[${column}C` : ""}`
  }

  const draw = (text: string): void => {
    // The last column stays free. After a character there, the row of the cursor depends on the terminal.
    const columns = screen.columns() - 1 - column
    if (isWaiting || columns < 1) {
      status = { text, width: 0 }
      return
    }
    const clipped = clip(text, columns)
    const sequence = `${isCursorHidden ? "" : hideCursor}${moveToStart()}${clipped}${eraseToEndOfRow}`
    isCursorHidden = true
    status = { text, width: displayWidth(clipped) }
    screen.write(sequence)
  }

  const erase = (): void => {
    if (status !== undefined && status.width > 0) {
      screen.write(`${moveToStart()}${eraseToEndOfScreen}`)
      status = { text: status.text, width: 0 }
    }
  }

  const redraw = (): void => {
    if (status !== undefined && !screen.isBusy()) {
      draw(status.text)
    }
  }

  // A console ends its output with a line end.
  const redrawAfterConsole = (): void => {
    column = 0
    isWaiting = false
    redraw()
  }

  const restoreCursor = (): void => {
    if (isCursorHidden) {
      isCursorHidden = false
      screen.write(showCursor)
    }
  }

  const clear = (): void => {
    erase()
    status = undefined
    restoreCursor()
  }

  const print: typeof StatusLine.Service.print = (text, write, options) => {
    if (!screen.isTerminal || text === "") {
      write(text)
      return
    }
    erase()
    write(text)
    const lastRow = text.lastIndexOf("\n") + 1
    column = (lastRow > 0 ? 0 : column) + displayWidth(text.slice(lastRow))
    isWaiting = options?.partial === "wait" && column > 0
    if (isWaiting) {
      // The text may be a prompt for input.
      restoreCursor()
    }
    redraw()
  }

  const line = (text: string): void => print(`${column > 0 ? "\n" : ""}${text}\n`, screen.write)

  return StatusLine.of({
    isTerminal: screen.isTerminal,
    columns: screen.columns,
    draw: (text) => {
      if (screen.isTerminal && !screen.isBusy()) {
        draw(text)
      }
    },
    clear,
    print,
    line,
    console: (inner) => (screen.isTerminal ? aroundCalls(inner, erase, redrawAfterConsole) : inner)
  })
})

/**
 * The status line of the screen in the context. Closing the layer clears it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<StatusLine, never, Screen> = Layer.scoped(
  StatusLine,
  Effect.acquireRelease(make, (statusLine) => Effect.sync(statusLine.clear))
)

/** Runs `before` and `after` around every call of a console. Loggers write through `unsafe`. */
const aroundCalls = (inner: Console.Console, before: () => void, after: () => void): Console.Console => {
  const around = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.acquireUseRelease(
      Effect.sync(before),
      () => effect,
      () => Effect.sync(after)
    )
  const unsafe = new Proxy(inner.unsafe, {
    get: (target, property) => {
      const method: unknown = Reflect.get(target, property, target)
      if (typeof method !== "function") {
        return method
      }
      return (...values: ReadonlyArray<unknown>) => {
        before()
        try {
          return Reflect.apply(method, target, values)
        } finally {
          after()
        }
      }
    }
  })
  return new Proxy(inner, {
    get: (target, property) => {
      if (property === "unsafe") {
        return unsafe
      }
      const member: unknown = Reflect.get(target, property, target)
      if (Effect.isEffect(member)) {
        return around(member)
      }
      return typeof member === "function"
        ? (...values: ReadonlyArray<unknown>) => around(Reflect.apply(member, target, values))
        : member
    }
  })
}
