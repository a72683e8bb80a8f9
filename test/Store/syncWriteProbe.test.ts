import { assert, describe, it } from "@effect/vitest"
import * as Quickness from "../../src/Store/syncWriteProbe.js"

/** How many of 2,000 calls are made, where each takes as long as said. */
const callsOf = (millisOf: (call: number) => number): { readonly calls: number; readonly millis: number } => {
  let now = 0
  let calls = 0
  const quickness = Quickness.make(() => now)
  for (let index = 0; index < 2000; index++) {
    if (quickness.isQuick()) {
      quickness.measure(() => {
        now += millisOf(calls++)
      })
    }
  }
  return { calls, millis: now }
}

describe("Store/syncWriteProbe", () => {
  it("goes on with calls that are quick, one of which takes a moment", () => {
    assert.strictEqual(callsOf(() => 0.05).calls, 2000)
    assert.strictEqual(callsOf((call) => (call === 100 ? 5 : 0.05)).calls, 2000)
  })

  it("turns away from calls that are slow, always or seldom, and tries them again", () => {
    assert.isBelow(callsOf(() => 3).calls, 20)
    const seldom = callsOf((call) => (call % 10 === 9 ? 200 : 0.05))
    assert.isBelow(seldom.millis, 3000)
    assert.isAbove(callsOf((call) => (call < 4 ? 3 : 0.05)).calls, 1000)
  })

  it("measures a call that fails too", () => {
    let now = 0
    const quickness = Quickness.make(() => now)
    assert.throws(() =>
      quickness.measure(() => {
        now += 100
        throw new Error("no")
      })
    )
    assert.isFalse(quickness.isQuick())
  })
})
