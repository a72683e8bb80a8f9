/**
 * Draws an animation while an effect runs, and erases it when the effect ends.
 *
 * The spinner draws frame k at (k + ½) intervals after the start, for k = 0, 1, 2 and so on. An effect of 3 seconds has 30 frames at
 * the default interval. An effect that ends within half an interval has none.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { dual, identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Printable from "./internal/text/printable.js"
import type { Screen } from "./Screen.js"
import * as StatusLine from "./StatusLine.js"
import * as Supervisor from "./Supervisor.js"

/**
 * The appearance of a spinner.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The text after the frame. A function is called for each frame. Control characters are shown as escapes. Default: none. */
  readonly message?: string | (() => string) | undefined
  /**
   * Returns the whole text for a frame, in one row or several. The caller replaces control characters. Default: the frame, a blank
   * and the message.
   */
  readonly text?: ((frame: string) => string) | undefined
  /** Returns the progress in the tab of the terminal or in the task bar, for a frame. Default: none. */
  readonly tabProgress?: (() => StatusLine.TabProgress) | undefined
  /** Default: `|`, `/`, `-`, `\`. */
  readonly frames?: ReadonlyArray<string> | undefined
  /** The time between two frames. Default: 100 ms. */
  readonly interval?: Duration.DurationInput | undefined
}

/**
 * The line that a spinner writes after the effect.
 *
 * @category models
 * @since 0.1.0
 */
export interface Final<A, E> {
  /** Returns the line for the result of the effect. Undefined: no line. */
  readonly final: (exit: Exit.Exit<A, E>) => string | undefined
}

/**
 * Draws spinners.
 *
 * @category tags
 * @since 0.1.0
 */
export class Spinner extends Context.Tag("halyard/Spinner")<
  Spinner,
  {
    /**
     * Draws frames until it is interrupted, and then erases them and shows the cursor. It is a companion for
     * `Supervisor.supervise`. If the screen is not a terminal, it writes the message once as a line and draws no frames.
     */
    readonly spin: (options?: Options) => Effect.Effect<never>
    /** Runs an effect with a console that erases the current frame before it writes. Loggers use this console. */
    readonly withConsole: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /** Writes a line to the screen. */
    readonly line: (text: string) => Effect.Effect<void>
  }
>() {}

/**
 * The default options.
 *
 * @category constructors
 * @since 0.1.0
 */
export const defaults: {
  readonly message: string
  readonly frames: ReadonlyArray<string>
  readonly interval: Duration.Duration
} = { message: "", frames: ["|", "/", "-", "\\"], interval: Duration.millis(100) }

/**
 * Makes a spinner on the status line in the context.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<typeof Spinner.Service, never, StatusLine.StatusLine> = Effect.map(
  StatusLine.StatusLine,
  (statusLine) => {
    const animate = Effect.fnUntraced(function* (text: () => string, options: Options) {
      const frames = options.frames ?? defaults.frames
      const interval = Math.max(1, Duration.toMillis(options.interval ?? defaults.interval))
      const now = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos) / 1e6)
      let due = (yield* now) + interval / 2
      for (let index = 0; ; index++) {
        const current = yield* now
        // After the event loop was blocked, the spinner skips the missed frames.
        due = Math.max(due, current)
        yield* Effect.sleep(Duration.millis(due - current))
        const frame = frames[index % frames.length] ?? ""
        statusLine.draw(
          options.text === undefined ? `${frame} ${text()}` : options.text(frame),
          options.tabProgress?.()
        )
        due += interval
      }
    })

    return Spinner.of({
      spin: (options = {}) => {
        const message = options.message ?? defaults.message
        const text = () => Printable.line(typeof message === "string" ? message : message())
        return statusLine.isTerminal
          ? Effect.ensuring(animate(text, options), Effect.sync(statusLine.clear))
          : Effect.zipRight(
              Effect.sync(() => (text() === "" ? undefined : statusLine.line(text()))),
              Effect.never
            )
      },
      withConsole: (effect) =>
        Console.consoleWith((console) => Effect.withConsole(effect, statusLine.console(console))),
      line: (text) => Effect.sync(() => statusLine.line(text))
    })
  }
)

/**
 * A spinner on the screen in the context.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Spinner | StatusLine.StatusLine, never, Screen> = Layer.effect(Spinner, make).pipe(
  Layer.provideMerge(StatusLine.layer)
)

/**
 * A spinner that draws nothing.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerNoop: Layer.Layer<Spinner> = Layer.succeed(Spinner, {
  spin: () => Effect.never,
  withConsole: identity,
  line: () => Effect.void
})

/**
 * Runs an effect and a spinner. When the effect ends, by success, failure or interruption, the spinner erases its frame and writes
 * the line of `final`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withSpinner: {
  <A, E>(options: Options & Final<A, E>): <R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | Spinner>
  (options?: Options): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | Spinner>
  <A, E, R>(effect: Effect.Effect<A, E, R>, options?: Options & Partial<Final<A, E>>): Effect.Effect<A, E, R | Spinner>
} = dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(
    effect: Effect.Effect<A, E, R>,
    options?: Options & Partial<Final<A, E>>
  ): Effect.Effect<A, E, R | Spinner> =>
    Effect.flatMap(Spinner, (spinner) =>
      spinner.withConsole(effect).pipe(
        Supervisor.supervise({ companions: { spinner: spinner.spin(options) } }),
        Effect.onExit((exit) => {
          const text = options?.final?.(exit)
          return text === undefined ? Effect.void : spinner.line(text)
        })
      )
    )
)
