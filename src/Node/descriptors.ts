/**
 * Shares the file descriptors of this process between connections and files. Connections use only a part of them, which leaves
 * room for files, name resolution and the rest of the program. Idle connections and files are closed when a descriptor is needed.
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

/** Limits the number of connections. The limit is lower for a while after the system has refused a descriptor. */
export class ConnectionLimit {
  private acquired = 0
  private readonly waiting = new Set<() => void>()
  private normal: number | undefined
  private current = 0
  // On the clock of `performance.now()`.
  private changedAtMillis = 0
  private raising: NodeJS.Timeout | undefined

  constructor(private readonly read: () => Limits) {}

  /** The number of connections that the limit of the process allows. */
  atMost(): number {
    if (this.normal === undefined) {
      this.normal = connectionsWithin(this.read())
      this.current = this.normal
    }
    return this.normal
  }

  /** Counts a new connection. Returns false and counts nothing if the limit is reached, or if functions wait already. */
  tryAcquire(): boolean {
    this.atMost()
    if (this.acquired >= this.current) {
      this.raise()
    }
    if (this.acquired >= this.current || this.waiting.size > 0) {
      return false
    }
    this.acquired++
    return true
  }

  /** Call it when a counted connection is closed or was not made. Calls waiting functions while there is room. */
  release(): void {
    this.acquired--
    this.wakeWaiting()
  }

  /**
   * Calls `wake` once when there is room for a connection, which is counted already, in the order of registration. Returns the
   * function that cancels this.
   */
  wait(wake: () => void): () => void {
    this.waiting.add(wake)
    this.raiseLater()
    return () => {
      this.waiting.delete(wake)
      this.raiseLater()
    }
  }

  /** Call it when the system has refused a descriptor for a connection. Lowers the limit for a while. */
  refuse(): void {
    this.current = Math.max(1, Math.min(this.current, this.acquired - 2))
    this.changedAtMillis = performance.now()
    this.raiseLater()
  }

  private wakeWaiting(): void {
    for (const wake of this.waiting) {
      if (this.acquired >= this.current) {
        break
      }
      this.waiting.delete(wake)
      this.acquired++
      wake()
    }
    this.raiseLater()
  }

  // Other parts of the program may have closed descriptors in the meantime.
  private raise(): void {
    const now = performance.now()
    if (this.current < this.atMost() && now - this.changedAtMillis >= raiseAfterMillis) {
      this.current++
      this.changedAtMillis = now
    }
  }

  // While functions wait, the limit rises although no connection is closed.
  private raiseLater(): void {
    if (this.waiting.size === 0 || this.current >= this.atMost()) {
      clearTimeout(this.raising)
      this.raising = undefined
      return
    }
    // Real time, because other parts of the program must close descriptors. Ends with the last waiting function.
    this.raising ??= setTimeout(
      () => {
        this.raising = undefined
        this.raise()
        this.wakeWaiting()
      },
      Math.max(1, this.changedAtMillis + raiseAfterMillis - performance.now())
    )
  }
}

const raiseAfterMillis = 1000

export interface Limits {
  /** The limit of the process. */
  readonly all: number
  /** The number of open descriptors. */
  readonly open: number
}

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

/** The connections of this process. */
export const connections: ConnectionLimit = new ConnectionLimit(limits)
