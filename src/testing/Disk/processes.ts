/**
 * The files in which Linux describes its processes: one program runs at a time, and each life of it has a number of its own.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { LinuxFiles } from "../../Store/kept/processTable.js"
import { systemError } from "./faults.js"
import type { Volume } from "./volume.js"

export const linuxFiles = (volume: Volume): LinuxFiles => ({
  read: (path) =>
    Effect.suspend(() => {
      const text = textOf(volume, path)
      return text === undefined ? Effect.fail(systemError("ENOENT", { name: "look", path })) : Effect.succeed(text)
    }),
  readLink: (path) =>
    path === "/proc/self/ns/pid"
      ? Effect.succeed("pid:[4026531836]")
      : Effect.fail(systemError("EINVAL", { name: "look", path })),
  uid: Effect.succeed(undefined)
})

/** True if the path is one of these files. */
export const isProcessFile = (path: string): boolean => path.startsWith("/proc/") || path === "/etc/machine-id"

const textOf = ({ boot, life }: Volume, path: string): string | undefined => {
  switch (path) {
    case "/proc/self/stat":
    case `/proc/${life}/stat`:
      // The start time is the 22nd field (proc(5)).
      return `${life} (halyard) R ${"0 ".repeat(18)}${life}`
    case "/proc/sys/kernel/random/boot_id":
      return `boot ${boot}`
    case "/proc/sys/kernel/hostname":
      return "disk"
    case "/etc/machine-id":
      return "a disk in memory"
    default:
      return undefined
  }
}
