/**
 * The rows at the bottom of a screen that show the current state of a program.
 *
 * There is at most one status line at a time. It has one row or several. Other output goes through `print`, `printSoon` or `console`,
 * which put it above the status line. The cursor is hidden while the status line is drawn. If the screen is not a terminal, no status
 * line is drawn.
 *
 * The cursor stays at the start of the status line. When the window becomes narrower, some terminals wrap the rows into several and
 * others cut them off, but the first row begins at the cursor in both. So nothing above it is erased.
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
 * The progress that a terminal shows in its tab or in the task bar. `percent` is between 0 and 100.
 *
 * @category models
 * @since 0.2.0
 */
export interface TabProgress {
  readonly state: "normal" | "error" | "paused" | "indeterminate"
  readonly percent: number
}

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
    /** True if text may have colours. */
    readonly hasColors: boolean
    /** The current width of the screen. */
    readonly columns: () => number
    /** The current number of rows of the screen. */
    readonly rows: () => number
    /**
     * Draws text in place of the previous text, with one write. Each line of the text is a row, clipped to the width of the screen. Rows
     * that do not fit on the screen are left out. Does nothing while the screen is busy.
     *
     * A terminal that can do so shows `tabProgress` in its tab or in the task bar, until the next `clear`.
     */
    readonly draw: (text: string, tabProgress?: TabProgress) => void
    /** Erases the status line and the progress in the tab, and shows the cursor. Does nothing if there is no status line. */
    readonly clear: () => void
    /** Does what `clear` does before another program uses the screen (Ctrl-Z). The next `draw` begins in a new row. */
    readonly suspend: () => void
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
    /**
     * Prints whole lines above the status line. They are written with the next frame, in one write, or before other output. If no
     * status line is drawn, they are written at once.
     */
    readonly printSoon: (text: string) => void
    /** Returns a console that erases the status line before it writes, and draws it again. */
    readonly console: (console: Console.Console) => Console.Console
    /** Writes a line to the screen. */
    readonly line: (text: string) => void
  }
>() {}

/**
 * The progress of work whose length is not known.
 *
 * @category models
 * @since 0.2.0
 */
export const indeterminate = (): TabProgress => ({ state: "indeterminate", percent: 0 })

const hideCursor = "\u001b[?25l"
const showCursor = "\u001b[?25h"
const eraseToEndOfRow = "\u001b[K"
const eraseToEndOfScreen = "\u001b[J"
const stopWrapping = "\u001b[?7l"
const wrap = "\u001b[?7h"

// The sequence of ConEmu (OSC 9;4).
const tabProgressOf = (state: number, percent: number): string => `\u001b]9;4;${state};${percent}\u001b\\`
const tabStates = { normal: 1, error: 2, indeterminate: 3, paused: 4 } as const

// Ghostty takes the progress away if it is not repeated within 15 seconds.
const framesUntilRepeated = 50

// Waiting lines are printed at once if they have more characters.
const waitingAtMost = 64 * 1024

/**
 * Makes the status line of the screen in the context.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<typeof StatusLine.Service, never, Screen> = Effect.map(Screen, (screen) => {
  // If the window has become narrower a moment ago, the rows are too long. A terminal that moves its cursor when it wraps rows wraps
  // these as well. Others cut them off.
  const [beforeRows, afterRows] = screen.movesCursorOnWrap === true ? ["", ""] : [stopWrapping, wrap]
  let status: string | undefined
  // The widths of the drawn rows. There are none while the status line is erased.
  let widths: ReadonlyArray<number> = []
  // The first column of the status line. Other text is before it in the same row.
  let column = 0
  // True after an unfinished row that may be a prompt.
  let isWaiting = false
  let isCursorHidden = false
  // Lines for the next frame.
  let lines = ""
  // The last sequence for the tab, and the number of frames since then.
  let tabSequence = ""
  let framesSince = 0

  const withTab = (progress: TabProgress | undefined): string => {
    if (screen.hasTabProgress !== true || progress === undefined) {
      return ""
    }
    const sequence = tabProgressOf(tabStates[progress.state], Math.floor(progress.percent))
    framesSince++
    if (sequence === tabSequence && framesSince < framesUntilRepeated) {
      return ""
    }
    framesSince = 0
    tabSequence = sequence
    return sequence
  }

  const moveToColumn = (): string => `\r${column > 0 ? `\u001b[${column}C` : ""}`

  const moveToStart = (): string => {
    const columns = Math.max(1, screen.columns())
    const added = screen.movesCursorOnWrap === true ? sum(widths.map((width) => Math.ceil(width / columns) - 1)) : 0
    return `${added > 0 ? `\u001b[${added}A` : ""}${moveToColumn()}`
  }

  const rowsOf = (text: string): ReadonlyArray<string> => {
    // The last column stays free. After a character there, the row of the cursor depends on the terminal.
    const columns = screen.columns() - 1
    return text
      .split("\n", Math.max(1, screen.rows() - 2))
      .map((row, index) => clip(row, index === 0 ? columns - column : columns))
  }

  /** The sequence that erases the status line and prints the waiting lines. Empty if there is nothing to do. */
  const takeLines = (): string => {
    const text = `${widths.length > 0 ? moveToStart() + eraseToEndOfScreen : ""}${lines}`
    column = lines === "" ? column : 0
    lines = ""
    widths = []
    return text
  }

  const draw = (text: string, tabProgress?: TabProgress): void => {
    const before = lines === "" ? "" : takeLines()
    status = text
    if (isWaiting || screen.columns() - 1 - column < 1) {
      if (before !== "") {
        screen.write(before)
      }
      return
    }
    const rows = rowsOf(text)
    const start = `${before}${beforeRows}${isCursorHidden ? "" : hideCursor}${moveToStart()}`
    const end = `${eraseToEndOfScreen}${afterRows}${rows.length > 1 ? `\u001b[${rows.length - 1}A` : ""}${moveToColumn()}`
    isCursorHidden = true
    widths = rows.map((row, index) => Math.max(1, displayWidth(row) + (index === 0 ? column : 0)))
    screen.write(`${withTab(tabProgress)}${start}${rows.join(`${eraseToEndOfRow}\r\n`)}${end}`)
  }

  const erase = (): void => {
    const text = takeLines()
    if (text !== "") {
      screen.write(text)
    }
  }

  const redraw = (): void => {
    if (status !== undefined && !screen.isBusy()) {
      draw(status)
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
    if (tabSequence !== "") {
      tabSequence = ""
      screen.write(tabProgressOf(0, 0))
    }
    restoreCursor()
  }

  const suspend = (): void => {
    clear()
    column = 0
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

  const printSoon = (text: string): void => {
    if (widths.length === 0) {
      print(text, screen.write)
      return
    }
    lines += text
    if (lines.length > waitingAtMost) {
      erase()
    }
  }

  const line = (text: string): void => print(`${column > 0 ? "\n" : ""}${text}\n`, screen.write)

  return StatusLine.of({
    get isTerminal() {
      return screen.isTerminal
    },
    get hasColors() {
      return screen.isTerminal && screen.hasColors === true
    },
    columns: screen.columns,
    rows: screen.rows,
    draw: (text, tabProgress) => {
      if (screen.isTerminal && !screen.isBusy()) {
        draw(text, tabProgress)
      }
    },
    clear,
    suspend,
    print,
    printSoon,
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

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

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
