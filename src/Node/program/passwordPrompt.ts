/**
 * Asks for a password on the terminal of the process, which is not always standard input, without showing it.
 */
import { closeSync, constants, openSync, writeSync } from "node:fs"
import { ReadStream } from "node:tty"
import * as Effect from "effect/Effect"

/**
 * Returns the typed line, or undefined if the process has no terminal. An interruption restores the terminal. Ctrl-C
 * sends SIGINT to the process, as a terminal does that shows what is typed.
 */
export const ask = (prompt: string): Effect.Effect<string | undefined> =>
  Effect.acquireUseRelease(
    Effect.sync(open),
    (terminal) => (terminal === undefined ? Effect.succeed(undefined) : read(terminal, prompt)),
    (terminal) => Effect.sync(() => terminal?.close())
  )

interface Terminal {
  readonly descriptor: number
  readonly input: ReadStream
  readonly close: () => void
}

const open = (): Terminal | undefined => {
  let descriptor: number | undefined
  try {
    descriptor = openSync(process.platform === "win32" ? "\\\\.\\CON" : "/dev/tty", constants.O_RDWR)
    const input = new ReadStream(descriptor)
    input.setRawMode(true)
    let isOpen = true
    return {
      descriptor,
      input,
      close: () => {
        if (!isOpen) {
          return
        }
        isOpen = false
        input.setRawMode(false)
        // Closes the descriptor too.
        input.destroy()
      }
    }
  } catch {
    if (descriptor !== undefined) {
      closeSync(descriptor)
    }
    return undefined
  }
}

const read = ({ descriptor, input }: Terminal, prompt: string): Effect.Effect<string | undefined> =>
  Effect.async((resume) => {
    const decoder = new TextDecoder()
    const typed: Array<string> = []
    const end = (line: string | undefined): void => {
      writeSync(descriptor, "\r\n")
      resume(Effect.succeed(line))
    }
    writeSync(descriptor, prompt)
    input.once("end", () => end(undefined))
    input.once("error", () => end(undefined))
    input.on("data", (bytes: Buffer) => {
      for (const character of decoder.decode(bytes, { stream: true })) {
        switch (character) {
          case "\r":
          case "\n":
          case "\u0004":
            end(typed.join(""))
            return
          case "\u0003":
            // The input stays open, and keeps the process alive, until the signal has interrupted this effect.
            process.kill(process.pid, "SIGINT")
            return
          case "\u0008":
          case "\u007f":
            typed.pop()
            break
          case "\u0015":
            typed.length = 0
            break
          default:
            // Other control characters, such as those of the arrow keys, are no part of a password.
            if (character >= " ") {
              typed.push(character)
            }
        }
      }
    })
    return Effect.sync(() => {
      input.removeAllListeners()
    })
  })
