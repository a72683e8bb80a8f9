/**
 * Draws the progress of downloads as rows on a terminal, as `halyard get` does. Without a terminal it writes lines.
 *
 * @since 0.2.0
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DownloadEvent } from "./DownloadEvent.js"
import { Progress } from "./Progress.js"
import * as RunView from "./RunView.js"
import type { Screen } from "./Screen.js"
import * as Spinner from "./Spinner.js"
import * as StatusLine from "./StatusLine.js"

/**
 * The texts of a display.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  /** The text before anything is known, and at the start of a line. Default: `downloading`. */
  readonly label?: string | undefined
  /** The number of downloads, if it is known. */
  readonly expected?: number | undefined
}

/**
 * What `show` draws.
 *
 * @category models
 * @since 0.2.0
 */
export interface Content {
  /** The text on a terminal, in one row or several. `frame` is the frame of a spinner. */
  readonly rows: (frame: string) => string
  /** The line without a terminal. */
  readonly line: () => string
  /** What a terminal shows in its tab. */
  readonly tabProgress: () => StatusLine.TabProgress
}

/**
 * The display of one run, with at most 8 rows.
 *
 * @category models
 * @since 0.2.0
 */
export interface TerminalProgress extends Content {
  /** Takes an event of the run. It does not throw. */
  readonly receive: (event: DownloadEvent) => void
  /** Sets the number of requests, when it becomes known. */
  readonly expect: (requests: number) => void
  /** The number of transfers in flight. */
  readonly inFlight: () => number
}

const rowsOnTerminal = 8

/**
 * Makes a display of a run that begins now. It draws nothing by itself: `show` does.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (options: Options = {}): Effect.Effect<TerminalProgress, never, StatusLine.StatusLine> =>
  Effect.map(Effect.all([RunView.make(options), StatusLine.StatusLine]), ([view, statusLine]) => {
    const { expected, label = "downloading" } = options
    const isUnknown = ({ done, inFlight }: RunView.Snapshot): boolean => expected === undefined && done + inFlight === 0
    return {
      receive: view.receive,
      expect: view.expect,
      rows: (frame) => {
        const rowsAtMost = Math.max(1, Math.min(rowsOnTerminal, statusLine.rows() - 2))
        const snapshot = view.snapshot({ transfersAtMost: rowsAtMost })
        const { hasColors } = statusLine
        const rowOptions = { columns: statusLine.columns() - 1, rowsAtMost, frame, hasColors }
        return isUnknown(snapshot) ? `${frame} ${label}` : RunView.rows(snapshot, rowOptions).join("\n")
      },
      line: () => {
        const snapshot = view.snapshot()
        const [line = ""] = RunView.rows(snapshot, { columns: Number.POSITIVE_INFINITY, hasBar: false })
        return isUnknown(snapshot) ? label : `${label}: ${line}`
      },
      inFlight: () => view.snapshot({ transfersAtMost: 0 }).inFlight,
      tabProgress: () => RunView.tabProgress(view.snapshot({ transfersAtMost: 0 }))
    }
  })

const betweenLines = "10 seconds"

/**
 * Draws ten frames a second on a terminal until it is interrupted, and then erases them. Without a terminal, and with `lines`, it
 * writes a line at once and every ten seconds. It is a companion for `Supervisor.supervise`.
 *
 * @category drawing
 * @since 0.2.0
 */
export const show = (
  { line, rows, tabProgress }: Content,
  options?: { readonly lines?: boolean | undefined }
): Effect.Effect<never, never, Spinner.Spinner | StatusLine.StatusLine> =>
  Effect.flatMap(Effect.all([Spinner.Spinner, StatusLine.StatusLine]), ([spinner, statusLine]) =>
    statusLine.isTerminal && options?.lines !== true
      ? spinner.spin({ text: rows, tabProgress })
      : Effect.forever(
          Effect.zipRight(
            Effect.sync(() => statusLine.line(line())),
            Effect.sleep(betweenLines)
          )
        )
  )

const idle = "1 second"

/**
 * Draws what the downloaders of a program do, while they do it. Lines that the program prints through its console, and its log, appear
 * above the rows.
 *
 * If no transfer is in flight for two seconds, the rows are erased, and the next transfer begins new counts. Closing the layer erases
 * the rows.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options: Options = {}): Layer.Layer<Progress, never, Screen> =>
  Layer.merge(progressLayer(options), consoleLayer).pipe(Layer.provide(Spinner.layer))

const progressLayer = (options: Options) =>
  Layer.scoped(
    Progress,
    Effect.gen(function* () {
      const begun = yield* Effect.makeLatch(false)
      let display = yield* make(options)
      let isActive = false
      let started = 0
      const untilIdle: Effect.Effect<void> = Effect.suspend(() => {
        const before = started
        const wasIdle = display.inFlight() === 0
        return Effect.flatMap(Effect.sleep(idle), () => (wasIdle && started === before ? Effect.void : untilIdle))
      })
      const showOne = Effect.gen(function* () {
        yield* begun.await
        yield* Effect.raceFirst(show(display), untilIdle)
        yield* begun.close
        const next = yield* make(options)
        // A transfer may have begun in the meantime.
        isActive = display.inFlight() > 0
        if (isActive) {
          yield* begun.open
        } else {
          display = next
        }
      })
      yield* Effect.forkScoped(Effect.forever(showOne))
      return {
        event: (event) => {
          display.receive(event)
          if (event._tag !== "Started") {
            return Effect.void
          }
          started++
          if (isActive) {
            return Effect.void
          }
          isActive = true
          return Effect.asVoid(begun.open)
        }
      }
    })
  )

const consoleLayer = Layer.unwrapEffect(
  Effect.map(Effect.all([Effect.console, StatusLine.StatusLine]), ([console, statusLine]) =>
    Console.setConsole(statusLine.console(console))
  )
)
