import { assert, describe, it, vi } from "@effect/vitest"
import * as Descriptors from "../../src/Node/descriptors.js"

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
    assert.deepStrictEqual(
      Array.from({ length: 5 }, () => Descriptors.takeConnection()),
      Array(5).fill(true)
    )
    Descriptors.refused()
    assert.isFalse(Descriptors.takeConnection())
    const told: Array<string> = []
    const wait = (name: string) =>
      Descriptors.awaitConnection(() => {
        told.push(name)
      })
    wait("a")
    wait("b")()
    wait("c")
    // Five were open when three were too many.
    Descriptors.giveConnection()
    Descriptors.giveConnection()
    assert.deepStrictEqual(told, [])
    Descriptors.giveConnection()
    assert.deepStrictEqual(told, ["a"])
    Descriptors.giveConnection()
    assert.deepStrictEqual(told, ["a", "c"])
    for (let left = 3; left > 0; left--) {
      Descriptors.giveConnection()
    }
  })

  it("let more connections be made while some wait, second by second, and none before those", () => {
    vi.useFakeTimers()
    try {
      let count = 0
      while (count < 4 && Descriptors.takeConnection()) {
        count++
      }
      // Two more than there may be now.
      Descriptors.refused()
      const told: Array<string> = []
      const ends = ["a", "b", "c"].map((name) => Descriptors.awaitConnection(() => told.push(name)))
      vi.advanceTimersByTime(2500)
      assert.deepStrictEqual(told, [])
      assert.isFalse(Descriptors.takeConnection())
      vi.advanceTimersByTime(1000)
      assert.deepStrictEqual(told, ["a"])
      vi.advanceTimersByTime(600)
      assert.isFalse(Descriptors.takeConnection())
      assert.deepStrictEqual(told, ["a", "b"])
      for (const end of ends) {
        end()
      }
      assert.strictEqual(vi.getTimerCount(), 0)
      for (let left = count + 2; left > 0; left--) {
        Descriptors.giveConnection()
      }
    } finally {
      vi.useRealTimers()
    }
  })
})
