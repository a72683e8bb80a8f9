/**
 * Random numbers that depend on a seed alone.
 */
import { PCGRandom } from "effect/Utils"

export class Draw {
  private readonly random: PCGRandom

  constructor(seed: number) {
    this.random = new PCGRandom(seed)
  }

  readonly real = (): number => this.random.number()

  /** A whole number from 0 to n - 1. */
  readonly below = (n: number): number => Math.floor(this.random.number() * n)

  readonly between = (from: number, to: number): number => from + this.below(to - from + 1)

  readonly chance = (probability: number): boolean => this.random.number() < probability

  pick<A>(first: A, ...rest: ReadonlyArray<A>): A {
    return rest[this.below(rest.length + 1) - 1] ?? first
  }
}
