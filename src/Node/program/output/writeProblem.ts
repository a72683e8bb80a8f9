/**
 * Checks whether a descriptor that a user names can be written to. Node has its own descriptors, and a write to one of these is lost
 * or ends the process.
 *
 * Before any JavaScript runs, Node marks the descriptors of the shell as close-on-exec, like its own. So this module recognises Node's
 * own descriptors by their kind: event descriptors, pipes with both ends in this process, and terminals that Node opened again.
 */
import { existsSync, fstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs"

const own = "/proc/self"

const standard = ["standard input", "standard output", "standard error"]

/** Why `descriptor` cannot be written to; undefined if it can. */
export const writeProblem = (descriptor: number): string | undefined => {
  if (!existsSync(`${own}/fdinfo`)) {
    return descriptor === 1 || descriptor === 2
      ? undefined
      : "this system does not show which descriptors are open: only 1 and 2 can be used"
  }
  const name = standard[descriptor] ?? `the descriptor ${descriptor}`
  const mode = modeOf(descriptor)
  if (mode !== "write" && mode !== "both") {
    return `${name} is not open for writing`
  }
  if (descriptor > 2) {
    return isOfNode(descriptor) ? `${name} is not open for writing` : undefined
  }
  // Node opens the null device for reading and writing in place of a standard descriptor that is closed.
  return mode === "both" && fstatSync(descriptor).isCharacterDevice() && fstatSync(descriptor).rdev === nullDevice
    ? `${name} is closed (use --output /dev/null to drop the content)`
    : undefined
}

// The device 1:3 of Linux.
const nullDevice = 0x103

// Bits of the flags of an open file on Linux (O_ACCMODE, O_CLOEXEC).
const closeOnExec = 0o2000000

const modes = ["read", "write", "both"] as const

const flagsOf = (descriptor: number): number | undefined => {
  try {
    const [, flags = ""] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`${own}/fdinfo/${descriptor}`, "latin1")) ?? []
    return flags === "" ? undefined : Number.parseInt(flags, 8)
  } catch {
    return undefined
  }
}

const modeOf = (descriptor: number): (typeof modes)[number] | undefined => {
  const flags = flagsOf(descriptor)
  return flags === undefined ? undefined : modes[flags % 4]
}

const targetOf = (descriptor: number): string => {
  try {
    return readlinkSync(`${own}/fd/${descriptor}`)
  } catch {
    return ""
  }
}

const isOfNode = (descriptor: number): boolean => {
  if (((flagsOf(descriptor) ?? 0) & closeOnExec) === 0) {
    return false
  }
  const target = targetOf(descriptor)
  return (
    target.startsWith("anon_inode:") ||
    (target.startsWith("pipe:") &&
      readdirSync(`${own}/fd`).some(
        (other) => targetOf(Number(other)) === target && modeOf(Number(other)) === "read"
      )) ||
    [process.stdout, process.stderr].some((stream) => handleOf(stream) === descriptor)
  )
}

const handleOf = (stream: NodeJS.WriteStream): unknown => {
  const handle: unknown = Reflect.get(stream, "_handle")
  return typeof handle === "object" && handle !== null && "fd" in handle ? handle.fd : undefined
}
