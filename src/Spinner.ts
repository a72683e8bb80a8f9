/**
 * Frames beside an effect: a sign of life on the screen while something takes its time, gone when it ends.
 *
 * Frame number k is drawn (k + ½) intervals after the start, on a grid that does not drift. So an effect that takes a
 * whole number of intervals never ends in the moment of a frame, what ends within half an interval does not flicker,
 * and the frames are the same in every run: 30 in 3 seconds of 100 ms each.
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
 * How a spinner looks.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** What stands behind the frame; a function is asked for each frame. Control characters are shown, not obeyed. */
  readonly message?: string | (() => string) | undefined
  /** Default `|`, `/`, `-`, `\`. */
  readonly frames?: ReadonlyArray<string> | undefined
  /** Default 100 ms. */
  readonly interval?: Duration.DurationInput | undefined
}

/**
 * What a spinner leaves behind.
 *
 * @category models
 * @since 0.1.0
 */
export interface Final<A, E> {
  /** The line that says how it went; undefined for none. */
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
     * Draws frames until it is interrupted, then takes the line away and shows the cursor again: a companion for
     * `Supervisor.supervise`. Where the screen is no terminal it writes the message as one line, once, and no frame.
     */
    readonly spin: (options?: Options) => Effect.Effect<never>
    /** Gives an effect a console, and so a log, whose lines do not run into the frames. */
    readonly withConsole: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /** Writes a line of its own to the screen. */
    readonly line: (text: string) => Effect.Effect<void>
  }
>() {}

/**
 * What a spinner looks like where nothing else is said.
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
 * Makes spinners on the status line in the context.
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
        // After the event loop was blocked the grid starts anew: no burst of frames makes up for those that were missed.
        due = Math.max(due, current)
        yield* Effect.sleep(Duration.millis(due - current))
        statusLine.draw(`${frames[index % frames.length] ?? ""} ${text()}`)
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
 * The spinner on the screen in the context.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Spinner | StatusLine.StatusLine, never, Screen> = Layer.effect(Spinner, make).pipe(
  Layer.provideMerge(StatusLine.layer)
)

/**
 * A spinner that shows nothing.
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
 * Runs an effect with a spinner beside it. The frames are gone when it ends, by success, failure or interruption, and
 * `final` may then leave one line behind that says how it went.
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
