import { assert, describe, it } from "@effect/vitest"
import { SyncProbe } from "../../../src/Store/syncs/syncProbe.js"

/** The number of syncs on the event loop of 2000, and their time in all. */
const syncsOf = (millisOf: (sync: number) => number): { readonly count: number; readonly millis: number } => {
  let now = 0
  let count = 0
  let millis = 0
  const probe = new SyncProbe(() => now)
  for (let index = 0; index < 2000; index++) {
    const one = millisOf(index)
    if (probe.isFast) {
      count++
      millis += one
      probe.measure(() => {
        now += one
      })
    } else {
      probe.onThread(one)
    }
  }
  return { count, millis }
}

describe("Store/syncs/syncProbe", () => {
  it("lets fast syncs run on the event loop after a few on threads", () => {
    assert.strictEqual(syncsOf(() => 0.02).count, 1996)
  })

  it("never lets a sync run on the event loop while each takes long on a thread", () => {
    assert.strictEqual(syncsOf(() => 8).count, 0)
  })

  it("lets few syncs run on the event loop if they take longer there than a switch to a thread", () => {
    assert.isBelow(syncsOf(() => 1).count, 10)
  })

  it("goes back to threads after a slow sync, and tries the event loop again", () => {
    const { count } = syncsOf((sync) => (sync === 1000 ? 40 : 0.02))
    assert.isAbove(count, 1500)
    assert.isBelow(count, 1800)
  })

  it("measures a sync that throws", () => {
    let now = 0
    const probe = new SyncProbe(() => now)
    for (let count = 0; count < 4; count++) {
      probe.onThread(0)
    }
    assert.isTrue(probe.isFast)
    assert.throws(() =>
      probe.measure(() => {
        now += 100
        throw new Error("no")
      })
    )
    assert.isFalse(probe.isFast)
  })
})
