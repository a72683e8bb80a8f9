import { it } from "@effect/vitest"
import type { Contracts } from "halyard/testing"

/** The cases of a contract as tests, on the live clock. */
export const runCases = (cases: ReadonlyArray<Contracts.Case>): void => {
  for (const { check, title } of cases) {
    it.live(title, () => check)
  }
}
