/**
 * Syncs whole file systems by `sync -f`, the command of Linux for syncfs(2), which Node does not have.
 *
 * A shell starts the command each time that it reads a line. It lives as long as the store, because the start of a process takes
 * Node several milliseconds. It ends by itself when the process of the store has ended.
 */
import { type ChildProcess, spawn } from "node:child_process"
import * as Fs from "node:fs"
import { Socket } from "node:net"
import * as Os from "node:os"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SharedSync } from "../Store/syncs/fileSyncs.js"

// The types of statfs(2) whose syncfs(2) does for each file what fsync(2) does: ext4, XFS, Btrfs and F2FS. Others, such as
// FUSE, may leave the content of files to a server that is not told.
const types = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010])

// Earlier kernels report no errors of files by syncfs(2).
const isKnownKernel = (): boolean => {
  const [major = 0, minor = 0] = Os.release().split(".").map(Number)
  return Os.platform() === "linux" && (major > 5 || (major === 5 && minor >= 8))
}

const hasKnownType = (path: string): boolean => {
  try {
    return types.has(Fs.statfsSync(path).type)
  } catch {
    // There is no /proc.
    return false
  }
}

// The shell gets an open file, because the path of the file may lead to another file system later.
const script = "while read -r line; do if sync -f /dev/fd/3; then echo yes; else echo no; fi; done"

class SyncFailed extends Data.TaggedError("SyncFailed")<{ readonly message: string }> {}

class Shell {
  private readonly child: ChildProcess
  private onAnswer: ((answer: Effect.Effect<void, unknown>) => void) | undefined
  private hasEnded = false

  constructor(
    descriptor: number,
    private readonly onEnd: (shell: Shell) => void
  ) {
    // Detached from the terminal, whose Ctrl-C and Ctrl-Z are not for it.
    const child = spawn("sh", ["-c", script], { detached: true, stdio: ["pipe", "pipe", "ignore", descriptor] })
    child.once("error", (error) => this.end(error))
    child.once("exit", (code, signal) =>
      this.end(new SyncFailed({ message: `the shell has ended with ${signal ?? code}` }))
    )
    child.stdin?.on("error", (error) => this.end(error))
    child.stdout?.on("data", (answer: Buffer) =>
      this.answer(
        answer.toString() === "yes\n" ? Effect.void : Effect.fail(new SyncFailed({ message: "sync has failed" }))
      )
    )
    // While it is idle, it does not keep this process.
    child.unref()
    for (const pipe of [child.stdin, child.stdout]) {
      if (pipe instanceof Socket) {
        pipe.unref()
      }
    }
    this.child = child
  }

  /** An interruption ends the shell. */
  readonly sync: Effect.Effect<void, unknown> = Effect.async((resume) => {
    this.onAnswer = resume
    this.child.ref()
    this.child.stdin?.write("\n")
    return Effect.sync(() => this.kill())
  })

  /** Ends the shell, and the command that it runs. */
  kill(): void {
    this.onEnd(this)
    const { pid } = this.child
    if (!this.hasEnded && pid !== undefined) {
      process.kill(-pid, "SIGKILL")
    }
  }

  /** Ends the shell, and waits for its end. */
  readonly close: Effect.Effect<void> = Effect.async((resume) => {
    if (this.hasEnded) {
      resume(Effect.void)
      return
    }
    this.child.ref()
    this.child.once("exit", () => resume(Effect.void))
    this.kill()
  })

  private answer(answer: Effect.Effect<void, unknown>): void {
    this.child.unref()
    this.onAnswer?.(answer)
    this.onAnswer = undefined
  }

  private end(cause: unknown): void {
    this.hasEnded = true
    this.onEnd(this)
    this.answer(Effect.fail(cause))
  }
}

/** Syncs of file systems, until the scope closes. */
export const make: Effect.Effect<SharedSync<number>, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => new Map<number, Shell>()),
    (shells) => Effect.forEach(Array.from(shells.values()), ({ close }) => close, { discard: true })
  ),
  (shells) => {
    const known = new Map<number, boolean>()
    return {
      fileSystemOf: (descriptor) => {
        const { dev } = Fs.fstatSync(descriptor)
        let isKnown = known.get(dev)
        if (isKnown === undefined) {
          isKnown = isKnownKernel() && hasKnownType(`/proc/self/fd/${descriptor}`)
          known.set(dev, isKnown)
        }
        return isKnown ? dev : undefined
      },
      sync: (descriptor) =>
        Effect.suspend(() => {
          const { dev } = Fs.fstatSync(descriptor)
          const onEnd = (ended: Shell): void => {
            // Another one may have taken its place.
            if (shells.get(dev) === ended) {
              shells.delete(dev)
            }
          }
          const shell = shells.get(dev) ?? new Shell(descriptor, onEnd)
          shells.set(dev, shell)
          return shell.sync
        })
    }
  }
)
