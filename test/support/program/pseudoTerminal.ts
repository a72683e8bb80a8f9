/**
 * Runs a command on a pseudo-terminal, the way a person does, and shows the screen as that person sees it.
 */
import { Socket } from "node:net"
import { it } from "@effect/vitest"
import type { IPty } from "@lydell/node-pty"
import headless from "@xterm/headless"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { until } from "../poll.js"
import { bin, environment } from "./program.js"

// Its binaries come prebuilt, and not for every platform.
const nodePty = await import("@lydell/node-pty").catch((error: unknown) => String(error))

/** A test that needs a pseudo-terminal; skipped, with the reason, where this platform has none. */
export const itOnTerminal = <A, E>(title: string, test: Effect.Effect<A, E, Scope.Scope>, timeout?: number): void =>
  it.scopedLive(
    title,
    (context) =>
      typeof nodePty === "string"
        ? Effect.sync(() => context.skip(`no pseudo-terminals on this platform: ${nodePty}`))
        : test,
    timeout
  )

export const ctrlC = "\u0003"

/** Stops the process, which goes on after SIGCONT. */
export const ctrlZ = "\u001a"

/** Stops the output of a terminal. */
export const ctrlS = "\u0013"

/** Lets it go on. */
export const ctrlQ = "\u0011"

/** A terminal with a process on it. */
export interface PseudoTerminal {
  readonly pid: number
  /** The rows, from the oldest that has scrolled away, without trailing blanks; empty rows at the end are left out. */
  readonly rows: () => ReadonlyArray<string>
  /** The column and the row of the cursor, counted from 0 and like `rows`. */
  readonly cursor: () => { readonly column: number; readonly row: number; readonly visible: boolean }
  /** The values of OSC 9;4, which shows progress in the tab: a state and a percentage. */
  readonly tabProgress: () => ReadonlyArray<string>
  /** All that was written, escape sequences and all: to show that there are none. */
  readonly raw: () => string
  readonly type: (text: string) => Effect.Effect<void>
  readonly resize: (columns: number, rows: number) => Effect.Effect<void>
  /** Closes the terminal, as a window is closed. */
  readonly close: Effect.Effect<void>
  /** Waits until the rows, joined by line ends, match. */
  readonly awaitRows: (pattern: RegExp) => Effect.Effect<void>
  /** Waits until the rows are such. */
  readonly awaitScreen: <A>(what: string, look: (rows: ReadonlyArray<string>) => A | undefined) => Effect.Effect<A>
  /** Waits for the end of the process, and until the screen shows all that it wrote. */
  readonly ended: Effect.Effect<{ readonly exitCode: number; readonly signal: number }>
}

export interface Options {
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  readonly cwd?: string | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
}

/** Runs a command on a terminal of 80 columns and 24 rows; it is killed with the scope. */
export const startOnTerminal = (
  command: string,
  parameters: ReadonlyArray<string>,
  options: Options = {}
): Effect.Effect<PseudoTerminal, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => open(command, parameters, options)),
      ({ close }) => Effect.sync(close)
    ),
    ({ terminal }) => terminal
  )

/** Runs the program on a terminal. */
export const halyardOnTerminal = (parameters: ReadonlyArray<string>, options?: Options) =>
  startOnTerminal(process.execPath, [bin, ...parameters], options)

// `node-pty` closes the terminal 200 ms after its program has ended, even if this process was too busy to read it. An immediate runs
// after the event loop has read what is there.
const readBeforeClose = (child: IPty): void => {
  const socket: unknown = Reflect.get(child, "_socket")
  if (socket instanceof Socket) {
    const destroy = socket.destroy.bind(socket)
    socket.destroy = (error) => {
      setImmediate(destroy, error)
      return socket
    }
  }
}

const open = (command: string, parameters: ReadonlyArray<string>, options: Options) => {
  if (typeof nodePty === "string") {
    throw new Error(nodePty)
  }
  const size = { cols: options.columns ?? 80, rows: options.rows ?? 24 }
  // The emulator is that of Visual Studio Code.
  const env = environment({ TERM_PROGRAM: "vscode", ...options.env })
  const screen = new headless.Terminal({ ...size, scrollback: 5000, allowProposedApi: true })
  const child: IPty = nodePty.spawn(command, [...parameters], {
    ...size,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    name: env["TERM"] ?? "xterm-256color",
    env
  })
  readBeforeClose(child)

  let visible = true
  for (const [final, shown] of [
    ["h", true],
    ["l", false]
  ] as const) {
    // DECTCEM, mode 25, is the cursor; the terminal goes on to handle the sequence itself.
    screen.parser.registerCsiHandler({ prefix: "?", final }, (modes) => {
      visible = modes.includes(25) ? shown : visible
      return false
    })
  }

  const tabProgress: Array<string> = []
  screen.parser.registerOscHandler(9, (data) => {
    tabProgress.push(data.replace(/^4;/, ""))
    return true
  })

  let raw = ""
  let pending = 0
  child.onData((text) => {
    raw += text
    pending++
    screen.write(text, () => {
      pending--
    })
  })
  let exit: { readonly exitCode: number; readonly signal: number } | undefined
  child.onExit(({ exitCode, signal }) => {
    exit = { exitCode, signal: signal ?? 0 }
  })

  const rows = (): ReadonlyArray<string> => {
    const buffer = screen.buffer.active
    const all = Array.from({ length: buffer.length }, (_, row) =>
      (buffer.getLine(row)?.translateToString(true) ?? "").trimEnd()
    )
    return all.slice(0, all.findLastIndex((row) => row !== "") + 1)
  }
  const seen = () => rows().join("\n")
  const awaitScreen = <A>(what: string, look: (rows: ReadonlyArray<string>) => A | undefined) =>
    until(what, () => look(rows()), seen)

  const terminal: PseudoTerminal = {
    pid: child.pid,
    rows,
    cursor: () => {
      const buffer = screen.buffer.active
      return { column: buffer.cursorX, row: buffer.baseY + buffer.cursorY, visible }
    },
    tabProgress: () => tabProgress.slice(),
    raw: () => raw,
    type: (text) => Effect.sync(() => child.write(text)),
    resize: (columns, height) =>
      Effect.sync(() => {
        screen.resize(columns, height)
        child.resize(columns, height)
      }),
    close: Effect.sync(() => {
      if ("destroy" in child && typeof child.destroy === "function") {
        child.destroy()
      }
    }),
    awaitRows: (pattern) => Effect.asVoid(awaitScreen(`rows ${pattern}`, () => pattern.test(seen()) || undefined)),
    awaitScreen,
    ended: until("end", () => (pending === 0 ? exit : undefined), seen)
  }
  const close = () => {
    if (exit === undefined) {
      child.kill("SIGKILL")
    }
    screen.dispose()
  }
  return { terminal, close }
}
