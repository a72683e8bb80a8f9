import { assert, describe, it } from "@effect/vitest"
import * as SyncWriteProbe from "../../../src/Store/syncs/syncWriteProbe.js"

/** The number of calls that are made of 2000, and their time in all. */
const callsOf = (millisOf: (call: number) => number): { readonly calls: number; readonly millis: number } => {
  let now = 0
  let calls = 0
  const probe = SyncWriteProbe.make(() => now)
  for (let index = 0; index < 2000; index++) {
    if (probe.isFast()) {
      probe.measure(() => {
        now += millisOf(calls++)
      })
    }
  }
  return { calls, millis: now }
}

describe("Store/syncs/syncWriteProbe", () => {
  it("makes all calls while they are fast, also if one of them takes longer", () => {
    assert.strictEqual(callsOf(() => 0.05).calls, 2000)
    assert.strictEqual(callsOf((call) => (call === 100 ? 5 : 0.05)).calls, 2000)
  })

  it("makes few calls while they are slow, always or now and then, and tries them again", () => {
    assert.isBelow(callsOf(() => 3).calls, 20)
    const seldom = callsOf((call) => (call % 10 === 9 ? 200 : 0.05))
    assert.isBelow(seldom.millis, 3000)
    assert.isAbove(callsOf((call) => (call < 4 ? 3 : 0.05)).calls, 1000)
  })

  it("measures a call that throws", () => {
    let now = 0
    const probe = SyncWriteProbe.make(() => now)
    assert.throws(() =>
      probe.measure(() => {
        now += 100
        throw new Error("no")
      })
    )
    assert.isFalse(probe.isFast())
  })
})
