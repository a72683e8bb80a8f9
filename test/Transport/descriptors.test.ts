import { assert, describe, it, vi } from "@effect/vitest"
import * as Descriptors from "../../src/Node/descriptors.js"
import { connectionLimit } from "../support/transport/http1Client.js"

describe("descriptors of the process", () => {
  it("leave half of a small number for connections, and all but some of a large number", () => {
    const within = (all: number) => Descriptors.connectionsWithin({ all, open: 24 })
    assert.deepStrictEqual([within(10), within(32), within(64), within(1024)], [1, 4, 20, 936])
    assert.strictEqual(within(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY)
  })

  it("are requested from one lender after the other, until one releases a descriptor", () => {
    const asked: Array<string> = []
    const lender = (name: string, gives: boolean) =>
      Descriptors.lend(() => {
        asked.push(name)
        return gives
      })
    const ends = [lender("a", false), lender("b", true), lender("c", true)]
    Descriptors.reclaim()
    assert.deepStrictEqual(asked, ["a", "b"])
    ends[1]?.()
    Descriptors.reclaim()
    assert.deepStrictEqual(asked, ["a", "b", "a", "c"])
    ends[0]?.()
    ends[2]?.()
    Descriptors.reclaim()
    assert.strictEqual(asked.length, 4)
  })

  it("make connections wait after the system has refused one, and wake them in order", () => {
    const limit = connectionLimit()
    assert.deepStrictEqual(
      Array.from({ length: 5 }, () => limit.tryAcquire()),
      Array(5).fill(true)
    )
    limit.refuse()
    assert.isFalse(limit.tryAcquire())
    const told: Array<string> = []
    const wait = (name: string) =>
      limit.wait(() => {
        told.push(name)
      })
    wait("a")
    wait("b")()
    wait("c")
    // Five connections are open, and the limit is three.
    limit.release()
    limit.release()
    assert.deepStrictEqual(told, [])
    limit.release()
    assert.deepStrictEqual(told, ["a"])
    limit.release()
    assert.deepStrictEqual(told, ["a", "c"])
  })

  it("let more connections be made while some wait, second by second, and none before those", () => {
    vi.useFakeTimers()
    try {
      const limit = connectionLimit()
      for (let count = 0; count < 4; count++) {
        assert.isTrue(limit.tryAcquire())
      }
      // The limit is 2 now.
      limit.refuse()
      const told: Array<string> = []
      const ends = ["a", "b", "c"].map((name) => limit.wait(() => told.push(name)))
      vi.advanceTimersByTime(2500)
      assert.deepStrictEqual(told, [])
      assert.isFalse(limit.tryAcquire())
      vi.advanceTimersByTime(1000)
      assert.deepStrictEqual(told, ["a"])
      vi.advanceTimersByTime(600)
      assert.isFalse(limit.tryAcquire())
      assert.deepStrictEqual(told, ["a", "b"])
      for (const end of ends) {
        end()
      }
      assert.strictEqual(vi.getTimerCount(), 0)
    } finally {
      vi.useRealTimers()
    }
  })
})
