import { describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Progress from "../src/Progress.js"
import * as Contracts from "../src/testing/Contracts.js"
import { runCases } from "./support/runCases.js"

describe("Progress.layer", () => {
  runCases(Contracts.progress(Progress.layer(() => Effect.yieldNow())))
})

describe("Progress.layerRecording", () => {
  runCases(Contracts.progress(Progress.layerRecording))
})
