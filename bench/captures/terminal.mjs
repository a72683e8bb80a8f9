// Runs a program on a pseudo-terminal, whose screen a terminal emulator keeps.
import { spawn } from "@lydell/node-pty"
import headless from "@xterm/headless"

/** Starts a program in a directory. */
export const start = ([command, ...args], columns, cwd) => {
  const size = { cols: columns, rows: 24 }
  const screen = new headless.Terminal({ ...size, scrollback: 5000, allowProposedApi: true })
  const env = {
    PATH: process.env.PATH,
    HOME: cwd,
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
    TERM_PROGRAM: "vscode",
    NO_COLOR: "1"
  }
  const child = spawn(command, args, { ...size, cwd, env, name: env.TERM })
  let onChange = () => {}
  child.onData((text) => screen.write(text, () => onChange()))
  const rows = async () => {
    await new Promise((resolve) => screen.write("", resolve))
    const { active } = screen.buffer
    const lines = Array.from({ length: active.length }, (_, row) =>
      active.getLine(row).translateToString(true).trimEnd()
    )
    return lines.slice(0, lines.findLastIndex((line) => line !== "") + 1)
  }
  return {
    ended: new Promise((resolve) => child.onExit(resolve)),
    interrupt: () => child.kill("SIGINT"),
    close: () => screen.dispose(),
    /** The rows of the screen and of what has scrolled off it. */
    rows,
    /** The rows, as soon as `isFound` accepts them. */
    rowsWhen: (isFound) =>
      new Promise((resolve) => {
        onChange = async () => {
          const found = await rows()
          if (isFound(found)) {
            onChange = () => {}
            resolve(found)
          }
        }
      })
  }
}
