/**
 * The one line of a screen that is drawn again and again, shared by everything that draws or prints there.
 *
 * At most one status line stands at a time, at the cursor; whatever else is printed is printed through `print` or
 * `console`, which wipe it first and draw it again below. While it stands the cursor is hidden. On a screen that is no
 * terminal nothing is ever drawn.
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
    /** Whether anything is ever drawn. */
    readonly isTerminal: boolean
    /** The screen's width now. */
    readonly columns: () => number
    /**
     * Shows one line of text, clipped to the screen's width, in place of the previous one. Does nothing while earlier text
     * still waits for the screen.
     */
    readonly draw: (text: string) => void
    /** Takes the line away and shows the cursor again. Nothing happens where no line stands. */
    readonly clear: () => void
    /**
     * Calls `write`, with the status line out of the way. `text` is what it writes to the same terminal: where it does
     * not end in a line end, the status line stands behind it, or waits for its end with `partial: "wait"`.
     */
    readonly print: (
      text: string,
      write: (text: string) => void,
      options?: { readonly partial?: "join" | "wait" | undefined }
    ) => void
    /** A console whose output does not run into the status line. */
    readonly console: (console: Console.Console) => Console.Console
    /** Writes a line of its own to the screen. */
    readonly line: (text: string) => void
  }
>() {}

const hideCursor = "\u001b[?25l"
const showCursor = "\u001b[?25h"
const eraseToEnd = "\u001b[K"

/**
 * Makes the status line of the screen in the context.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<typeof StatusLine.Service, never, Screen> = Effect.map(Screen, (screen) => {
  // What stands: the text of the line and how wide it was drawn; undefined where none stands.
  let drawn: { readonly text: string; readonly width: number } | undefined
  // What others left in the row in front of the line.
  let column = 0
  let waiting = false
  let hidden = false

  const home = (): string => {
    let sequence = "\r"
    if (drawn !== undefined) {
      // A window that became narrower has wrapped the line: its rows above belong to it.
      const rows = Math.ceil((column + drawn.width) / Math.max(1, screen.columns())) - 1
      sequence += rows > 0 ? `\u001b[${rows}A` : ""
    }
    return column > 0 ? `${sequence}\u001b[${column}C` : sequence
  }

  const put = (text: string): void => {
    // The last column stays free: a cursor behind it is on either row, depending on the terminal.
    const room = screen.columns() - 1 - column
    if (waiting || room < 1) {
      drawn = { text, width: 0 }
      return
    }
    const shown = clip(text, room)
    const back = home()
    const hide = hidden ? "" : hideCursor
    hidden = true
    drawn = { text, width: displayWidth(shown) }
    screen.write(`${hide}${back}${shown}${eraseToEnd}`)
  }

  const wipe = (): void => {
    if (drawn !== undefined && drawn.width > 0) {
      screen.write(`${home()}\u001b[J`)
      drawn = { text: drawn.text, width: 0 }
    }
  }

  const redraw = (): void => {
    if (drawn !== undefined && !screen.isBusy()) {
      put(drawn.text)
    }
  }

  // A console ends what it writes with a line end.
  const resume = (): void => {
    column = 0
    waiting = false
    redraw()
  }

  const clear = (): void => {
    wipe()
    drawn = undefined
    if (hidden) {
      hidden = false
      screen.write(showCursor)
    }
  }

  const follow = (text: string, partial: "join" | "wait"): void => {
    const start = text.lastIndexOf("\n") + 1
    const tail = text.slice(start)
    column = (start > 0 ? 0 : column) + displayWidth(tail)
    waiting = partial === "wait" && column > 0
  }

  const print = (
    text: string,
    write: (text: string) => void,
    options?: { readonly partial?: "join" | "wait" | undefined }
  ): void => {
    if (!screen.isTerminal || text === "") {
      write(text)
      return
    }
    wipe()
    write(text)
    follow(text, options?.partial ?? "join")
    if (waiting && hidden) {
      // Somebody may be asked for input there.
      hidden = false
      screen.write(showCursor)
    }
    redraw()
  }

  const line = (text: string): void => print(`${column > 0 ? "\n" : ""}${text}\n`, screen.write)

  return StatusLine.of({
    isTerminal: screen.isTerminal,
    columns: screen.columns,
    draw: (text) => {
      if (screen.isTerminal && !screen.isBusy()) {
        put(text)
      }
    },
    clear,
    print,
    line,
    console: (inner) => (screen.isTerminal ? between(inner, wipe, resume) : inner)
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

/**
 * The same console, with every call between `before` and `after`. Loggers write through its `unsafe` side.
 */
const between = (inner: Console.Console, before: () => void, after: () => void): Console.Console => {
  const aside = <A>(effect: Effect.Effect<A>): Effect.Effect<A> =>
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
        return aside(member as Effect.Effect<unknown>)
      }
      return typeof member === "function"
        ? (...values: ReadonlyArray<unknown>) => aside(Reflect.apply(member, target, values))
        : member
    }
  })
}
