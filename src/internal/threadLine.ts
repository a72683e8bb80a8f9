/**
 * Those of one run who wait for a permit of one origin. The governor is asked for one permit at a time for all of them:
 * most permits are passed on within a thread, and never come back in between.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Ask, OriginGovernor } from "../OriginGovernor.js"

/** Not on the caller's stack. */
export type Fork = (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>

export interface Waiting {
  readonly granted: (release: () => void) => void
  /** The origin makes it wait, or does not any more. */
  readonly park: (is: boolean) => void
}

/** The lines of a downloader, as long as somebody waits in them. */
export class Lines {
  private readonly all = new Map<string, Line>()
  private readonly runs = new WeakMap<Ask, number>()
  private count = 0

  constructor(
    private readonly governor: typeof OriginGovernor.Service,
    private readonly fork: Fork
  ) {}

  /** A number for who asks in the same way; 0 where nothing is said. */
  runOf(ask: Ask | undefined): number {
    if (ask === undefined) {
      return 0
    }
    const known = this.runs.get(ask)
    if (known !== undefined) {
      return known
    }
    this.runs.set(ask, ++this.count)
    return this.count
  }

  of(ask: Ask | undefined, origin: string): Line {
    const key = `${this.runOf(ask)} ${origin}`
    const found = this.all.get(key)
    if (found !== undefined) {
      return found
    }
    const line = new Line(origin, ask?.gate, this.governor, this.fork, () => this.all.delete(key))
    this.all.set(key, line)
    return line
  }
}

export class Line {
  private readonly waiting = new Set<Waiting>()
  private holder: Fiber.RuntimeFiber<void> | undefined
  private isParked = false

  constructor(
    private readonly origin: string,
    private readonly gate: Ask["gate"],
    private readonly governor: typeof OriginGovernor.Service,
    private readonly fork: Fork,
    private readonly onEmpty: () => void
  ) {}

  join(one: Waiting): void {
    this.waiting.add(one)
    if (this.isParked) {
      one.park(true)
    }
    this.seek()
  }

  /** It has a permit from elsewhere, or wants none any more. */
  leave(one: Waiting): void {
    if (this.remove(one) && this.waiting.size === 0) {
      this.holder?.unsafeInterruptAsFork(this.holder.id())
      this.holder = undefined
      this.isParked = false
    }
  }

  private remove(one: Waiting): boolean {
    const was = this.waiting.delete(one)
    if (was && this.isParked) {
      one.park(false)
    }
    if (this.waiting.size === 0) {
      this.onEmpty()
    }
    return was
  }

  private seek(): void {
    while (this.waiting.size > 0 && this.holder === undefined) {
      const release = this.governor.atOnce?.permit(this.origin, { gate: this.gate })
      if (release === undefined) {
        this.wait()
      } else {
        this.give(release)
      }
    }
  }

  private give(release: () => void): void {
    const [first] = this.waiting
    if (first === undefined) {
      release()
    } else {
      this.remove(first)
      first.granted(release)
    }
  }

  private wait(): void {
    const { gate, governor, origin } = this
    const onParked = (is: boolean): void => {
      if (this.holder === holder && this.isParked !== is) {
        this.isParked = is
        for (const one of this.waiting) {
          one.park(is)
        }
      }
    }
    const hold = Effect.suspend(() => {
      // It may be given in the very moment in which nobody wants it any more.
      if (this.holder !== holder) {
        return Effect.void
      }
      onParked(false)
      this.holder = undefined
      this.give(() => holder.unsafeInterruptAsFork(holder.id()))
      this.seek()
      return holding
    })
    const holder = this.fork(governor.withPermit(origin, { gate, onParked })(hold))
    this.holder = holder
  }
}

// Without the timer of `Effect.never`.
const holding: Effect.Effect<never> = Effect.async(() => {})
