/**
 * The file descriptors of this process, which connections and files share. Connections take no more than a part of them,
 * so that there is room for files, for name resolution and for what else the program opens; and what is idle is closed
 * when something else wants a descriptor.
 *
 * @internal
 */
import * as Fs from "node:fs"

const lenders = new Set<() => boolean>()

/** Names a function that closes an idle descriptor if there is one; gives how to end that. */
export const lend = (release: () => boolean): (() => void) => {
  // Each caller has its own entry, although two may give the same function.
  const entry = () => release()
  lenders.add(entry)
  return () => {
    lenders.delete(entry)
  }
}

/** Closes an idle descriptor if there is one, perhaps a moment later. */
export const reclaim = (): void => {
  for (const release of lenders) {
    if (release()) {
      return
    }
  }
}

// What the limit of the process allows; and what may be made now, which is less after the system has refused one.
let allowed: number | undefined

let atMost = 0

let taken = 0

/** On the clock of `performance.now()`. */
let changedAtMillis = 0

const waiting = new Set<() => void>()

/** How many connections the limit of this process leaves room for. */
export const connectionsAtMost = (): number => {
  if (allowed === undefined) {
    allowed = connectionsWithin(limits())
    atMost = allowed
  }
  return allowed
}

/** Counts a connection that is to be made; false, and nothing is counted, if there are as many as there may be. */
export const takeConnection = (): boolean => {
  const most = connectionsAtMost()
  const now = performance.now()
  if (taken >= atMost && atMost < most && now - changedAtMillis >= raiseAfterMillis) {
    // Other parts of the program may have closed theirs.
    atMost++
    changedAtMillis = now
  }
  if (taken >= atMost) {
    return false
  }
  taken++
  return true
}

/** A connection that was counted is closed. Those that wait for that are called, as long as there is room. */
export const giveConnection = (): void => {
  taken--
  for (const wake of waiting) {
    if (taken >= atMost) {
      break
    }
    waiting.delete(wake)
    wake()
  }
}

/** Calls it once when a connection was closed, in the order of the calls; gives how to end that. */
export const awaitConnection = (wake: () => void): (() => void) => {
  waiting.add(wake)
  return () => {
    waiting.delete(wake)
  }
}

/** The system refused a descriptor for a connection: there are to be fewer for a while. */
export const refused = (): void => {
  atMost = Math.max(1, Math.min(atMost, taken - 2))
  changedAtMillis = performance.now()
}

const raiseAfterMillis = 1000

interface Limits {
  /** What the process may open. */
  readonly all: number
  /** What it has open already. */
  readonly open: number
}

/** @internal */
export const connectionsWithin = ({ all, open }: Limits): number => {
  const left = all - open
  // Half of few; of many all but what files written at the same time, and the threads that write them, need.
  return Math.max(1, left - Math.min(Math.ceil(left / 2), roomForOthers))
}

const roomForOthers = 64

// Of Node's own at the start: epoll, event and signal descriptors, pipes, standard input and outputs.
const openAtStart = 24

const limits = (): Limits => {
  try {
    const found = /^Max open files +(\d{1,15}) /m.exec(Fs.readFileSync("/proc/self/limits", "latin1"))
    return {
      all: found?.[1] === undefined ? Number.POSITIVE_INFINITY : Number(found[1]),
      open: Math.max(openAtStart, Fs.readdirSync("/proc/self/fd").length)
    }
  } catch {
    // Systems without /proc do not tell: then what they refuse does.
    return { all: Number.POSITIVE_INFINITY, open: openAtStart }
  }
}
