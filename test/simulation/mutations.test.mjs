/**
 * The bugs that are planted by hand: each must still fit the source, which the long run would notice only after many minutes.
 */
import { assert, describe, it } from "@effect/vitest"
import { mutations as ofPipelining } from "../pipelining/mutations.mjs"
import { mutations as ofSyncs } from "../Store/syncs/mutations.mjs"
import { changedSource } from "./changedSource.mjs"
import { mutations } from "./mutations.mjs"

describe("planted bugs", () => {
  it("change texts that the source has exactly once", () => {
    for (const mutation of [...mutations, ...ofPipelining, ...ofSyncs]) {
      assert.isAbove(changedSource(mutation).size, 0, String(mutation[0]))
    }
  })
})
