/**
 * Shares the file descriptors of this process between connections and files. Connections use only a part of them, which leaves
 * room for files, name resolution and the rest of the program. Idle connections and files are closed when a descriptor is needed.
 *
 * @internal
 */
import * as Fs from "node:fs"

const lenders = new Set<() => boolean>()

/** Registers a function that closes an idle descriptor if there is one. Returns the function that unregisters it. */
export const lend = (release: () => boolean): (() => void) => {
  // Each caller has its own entry, although two may give the same function.
  const entry = () => release()
  lenders.add(entry)
  return () => {
    lenders.delete(entry)
  }
}

/** Closes an idle descriptor if there is one, at once or a moment later. */
export const reclaim = (): void => {
  for (const release of lenders) {
    if (release()) {
      return
    }
  }
}

// The number of connections that the limit of the process allows, and the present limit, which is lower after a refusal.
let allowed: number | undefined

let atMost = 0

let taken = 0

/** On the clock of `performance.now()`. */
let changedAtMillis = 0

const waiting = new Set<() => void>()

/** The number of connections that the limit of this process allows. */
export const connectionsAtMost = (): number => {
  if (allowed === undefined) {
    allowed = connectionsWithin(limits())
    atMost = allowed
  }
  return allowed
}

/** Counts a new connection. Returns false and counts nothing if the limit is reached, or if others wait already. */
export const takeConnection = (): boolean => {
  connectionsAtMost()
  if (taken >= atMost) {
    raise()
  }
  if (taken >= atMost || waiting.size > 0) {
    return false
  }
  taken++
  return true
}

/** Call it when a counted connection is closed, or is not made after all. Calls waiting functions while there is room. */
export const giveConnection = (): void => {
  taken--
  handOn()
}

/**
 * Calls `wake` once when there is room for a connection, which is counted already, in the order of registration. Returns the
 * function that cancels this.
 */
export const awaitConnection = (wake: () => void): (() => void) => {
  waiting.add(wake)
  raiseLater()
  return () => {
    waiting.delete(wake)
    raiseLater()
  }
}

/** Call it when the system has refused a descriptor for a connection. Lowers the limit for a while. */
export const refused = (): void => {
  atMost = Math.max(1, Math.min(atMost, taken - 2))
  changedAtMillis = performance.now()
  raiseLater()
}

const handOn = (): void => {
  for (const wake of waiting) {
    if (taken >= atMost) {
      break
    }
    waiting.delete(wake)
    taken++
    wake()
  }
  raiseLater()
}

// Other parts of the program may have closed theirs.
const raise = (): void => {
  const now = performance.now()
  if (atMost < connectionsAtMost() && now - changedAtMillis >= raiseAfterMillis) {
    atMost++
    changedAtMillis = now
  }
}

let raising: NodeJS.Timeout | undefined

// While connections are waited for, their number rises although none is closed.
const raiseLater = (): void => {
  if (waiting.size === 0 || atMost >= connectionsAtMost()) {
    clearTimeout(raising)
    raising = undefined
    return
  }
  // Real time: it is the rest of the program that has to close something. Ends with the last that waits.
  raising ??= setTimeout(
    () => {
      raising = undefined
      raise()
      handOn()
    },
    Math.max(1, changedAtMillis + raiseAfterMillis - performance.now())
  )
}

const raiseAfterMillis = 1000

interface Limits {
  /** The limit of the process. */
  readonly all: number
  /** The number of open descriptors. */
  readonly open: number
}

/** @internal */
export const connectionsWithin = ({ all, open }: Limits): number => {
  const left = all - open
  // Half of a small number. Of a large number, all but those for files that are written at the same time.
  return Math.max(1, left - Math.min(Math.ceil(left / 2), roomForOthers))
}

const roomForOthers = 64

// Node's own descriptors at the start: epoll, event and signal descriptors, pipes, standard input and outputs.
const openAtStart = 24

const limits = (): Limits => {
  try {
    const found = /^Max open files +(\d{1,15}) /m.exec(Fs.readFileSync("/proc/self/limits", "latin1"))
    return {
      all: found?.[1] === undefined ? Number.POSITIVE_INFINITY : Number(found[1]),
      open: Math.max(openAtStart, Fs.readdirSync("/proc/self/fd").length)
    }
  } catch {
    // Systems without /proc do not report the limit. There, a refused descriptor lowers it.
    return { all: Number.POSITIVE_INFINITY, open: openAtStart }
  }
}
