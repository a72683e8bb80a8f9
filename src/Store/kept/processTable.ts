/**
 * Says which process owns a part, and whether that process still runs.
 *
 * An owner is `KKKKKKHHHHHH.PID.START`: a hash of the running kernel and its process namespace, a hash of the machine, and the number
 * and the start time of the process. The start time tells a process from a later one with the same number. What is not known is 0.
 *
 * @internal
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { codeOf } from "../../DownloadError/diskErrors.js"
import { hashOf, processOf } from "../files/partName.js"

/** Whether the owner of a part runs. `unknown`: it is a process of another machine or of another container. */
export type OwnerState = "running" | "ended" | "unknown"

export interface ProcessTable {
  /** This process. */
  readonly own: string
  /** The user of this process; undefined if there are no users. */
  readonly uid: number | undefined
  /** Changes when the machine starts; undefined if that is not known. */
  readonly boot: string | undefined
  readonly stateOf: (owner: string) => Effect.Effect<OwnerState>
}

/** What a system says about this process. */
export interface Facts {
  /** Identifies the running kernel and the namespace in which process numbers are unique. */
  readonly kernel: string | undefined
  /** Identifies the machine, also after it has started again. Undefined in a container, which other machines may share. */
  readonly machine: string | undefined
  readonly boot: string | undefined
  readonly uid: number | undefined
  readonly pid: number
  /** The start time of this process, as `startOf` gives it. Called at most once, when the first part is created. */
  readonly start: () => string | undefined
}

/**
 * Makes a table. `startOf` gives the start time of a process; "0" if there is such a process and its start time is not known,
 * undefined if there is no such process.
 */
export const make = (
  { boot, kernel, machine, pid, start, uid }: Facts,
  startOf: (pid: number) => Effect.Effect<string | undefined, unknown>
): ProcessTable => {
  const kernelHash = kernel === undefined ? unknown : hashOf(kernel, hashLength)
  const machineHash = machine === undefined ? unknown : hashOf(machine, hashLength)
  let own: string | undefined
  return {
    get own() {
      own ??= `${kernelHash}${machineHash}.${pid.toString(36)}.${start() ?? "0"}`
      return own
    },
    uid,
    boot,
    stateOf: (owner) => {
      const [hashes = "", , itsStart = ""] = owner.split(".")
      const itsKernel = hashes.slice(0, hashLength)
      if (itsKernel !== unknown && itsKernel === kernelHash) {
        return Effect.match(startOf(processOf(owner)), {
          onFailure: () => "unknown",
          onSuccess: (found) =>
            found === undefined
              ? "ended"
              : found === "0" || itsStart === "0" || found === itsStart
                ? "running"
                : "ended"
        })
      }
      const itsMachine = hashes.slice(hashLength)
      // The same machine with another kernel: it was started again since.
      return Effect.succeed(itsMachine !== unknown && itsMachine === machineHash ? "ended" : "unknown")
    }
  }
}

const hashLength = 6

const unknown = "0".repeat(hashLength)

/** The files of Linux that `fromLinux` reads. A file that cannot be read fails with the code of the system. */
export interface LinuxFiles {
  readonly read: (path: string) => Effect.Effect<string, unknown>
  readonly readLink: (path: string) => Effect.Effect<string, unknown>
  readonly uid: Effect.Effect<number | undefined>
}

/** The table of a Linux system; undefined if it has no `/proc`. */
export const fromLinux = ({ read, readLink, uid }: LinuxFiles): Effect.Effect<ProcessTable | undefined> =>
  Effect.gen(function* () {
    const orUndefined = (effect: Effect.Effect<string, unknown>) =>
      Effect.orElseSucceed(
        Effect.map(effect, (text) => text.trim()),
        () => undefined
      )
    const stat = yield* orUndefined(read("/proc/self/stat"))
    if (stat === undefined) {
      return undefined
    }
    const boot = yield* orUndefined(read("/proc/sys/kernel/random/boot_id"))
    const namespace = yield* orUndefined(readLink("/proc/self/ns/pid"))
    const machineId = yield* orUndefined(read("/etc/machine-id"))
    const host = yield* orUndefined(read("/proc/sys/kernel/hostname"))
    const isWhole = namespace === firstNamespace && machineId !== undefined && machineId !== ""
    return make(
      {
        kernel: boot === undefined || namespace === undefined ? undefined : `${boot} ${namespace}`,
        machine: isWhole ? `${machineId} ${host}` : undefined,
        boot,
        uid: yield* uid,
        pid: Number.parseInt(stat, 10),
        start: () => startIn(stat)
      },
      (pid) =>
        Effect.catchIf(
          Effect.map(read(`/proc/${pid}/stat`), startIn),
          (error) => /^(?:ENOENT|ESRCH)$/.test(codeOf(error)),
          () => Effect.succeed(undefined)
        )
    )
  })

// The number of the namespace of the first process (linux/proc_ns.h, PROC_PID_INIT_INO). A container has another one.
const firstNamespace = "pid:[4026531836]"

/** The start time in `/proc/PID/stat`; undefined if the process has ended, and only its parent has not asked how. */
const startIn = (stat: string): string | undefined => {
  // The name of the program, in parentheses, can have any characters.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const [state = ""] = fields
  return state === "Z" || state === "X" ? undefined : Number(fields[19] ?? 0).toString(36)
}

/** A table in which no owner is known. */
export const none: ProcessTable = make(
  { kernel: undefined, machine: undefined, boot: undefined, uid: undefined, pid: 0, start: () => undefined },
  () => Effect.succeed(undefined)
)

/** The table of the system that a `FileSystem` shows. */
export const fromFileSystem = (fs: FileSystem.FileSystem): Effect.Effect<ProcessTable> =>
  Effect.map(
    fromLinux({
      read: (path) => Effect.map(fs.readFile(path), (bytes) => new TextDecoder().decode(bytes)),
      readLink: (path) => fs.readLink(path),
      // The directory of a process belongs to the user of the process.
      uid: Effect.orElseSucceed(
        Effect.map(fs.stat("/proc/self"), ({ uid }) => Option.getOrUndefined(uid)),
        () => undefined
      )
    }),
    (table) => table ?? none
  )

/** Whether the machine has not been started again between two values of `boot`. */
export const isSameBoot = (one: string, other: string): boolean => {
  const [first, second] = [one, other].map((boot) => Number(/^time:(\d+)$/.exec(boot)?.[1] ?? Number.NaN))
  return one === other || Math.abs((first ?? Number.NaN) - (second ?? Number.NaN)) <= toleratedSeconds
}

// A boot time is computed from two clocks. No machine starts twice within this time.
const toleratedSeconds = 5
