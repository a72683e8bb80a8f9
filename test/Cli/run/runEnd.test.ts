import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { RunEnd } from "../../../src/Cli/run/runEnd.js"

describe("RunEnd", () => {
  it.effect("writes the other files and prints the report after a defect, which it keeps", () =>
    Effect.gen(function* () {
      const steps: Array<string> = []
      const step = (name: string) => Effect.sync(() => void steps.push(name))
      const end = new RunEnd()
      const exit = yield* Effect.exit(
        end.after(
          [Effect.as(step("first"), true), Effect.die("broken"), undefined, Effect.as(step("last"), false)],
          step("report")
        )
      )
      assert.deepStrictEqual(steps, ["first", "last", "report"])
      assert.isFalse(end.areFilesSaved)
      assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
    })
  )
})
