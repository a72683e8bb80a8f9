/**
 * The cases of contracts.
 *
 * @since 0.2.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Printable from "../../internal/text/printable.js"

/**
 * One test case.
 *
 * @category models
 * @since 0.2.0
 */
export interface Case {
  readonly title: string
  readonly check: Effect.Effect<void, unknown>
}

/**
 * A backend violates its contract.
 *
 * @category errors
 * @since 0.2.0
 */
export class ContractBroken extends Data.TaggedError("ContractBroken")<{
  readonly expected: string
  readonly actual: unknown
}> {
  override get message(): string {
    // What a backend delivers can have control characters.
    const actual = Printable.line(String(this.actual))
    return `expected ${this.expected}, and got ${actual === "" ? "an empty text" : actual}`
  }
}

/** @internal */
export const expect = (isSo: boolean, expected: string, actual?: unknown): Effect.Effect<void, ContractBroken> =>
  isSo ? Effect.void : new ContractBroken({ expected, actual })
