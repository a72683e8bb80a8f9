import { assert, describe, it } from "@effect/vitest"
import { type Claim, RangeMap } from "../../../src/engine/segments/rangeMap.js"
import { Draw } from "../../simulation/Draw.js"

const restOf = ({ endBytes, nextBytes }: Claim): number => endBytes - nextBytes

describe("RangeMap", () => {
  it("divides holes first, and then the largest claims in equal shares", () => {
    const ranges = new RangeMap(1000)
    ranges.add(0, 100)
    const own = ranges.claim(100, 900)
    const claims = ranges.split(4, 10)
    assert.deepStrictEqual(
      claims.map(({ endBytes, startBytes }) => [startBytes, endBytes]).sort(([a = 0], [b = 0]) => a - b),
      [
        [300, 500],
        [500, 700],
        [700, 900],
        [900, 1000]
      ]
    )
    assert.strictEqual(own.endBytes, 300)
    assert.deepStrictEqual(ranges.holes(), [])
  })

  it("makes no share smaller than the minimum", () => {
    const ranges = new RangeMap(100)
    const own = ranges.claim(0, 100)
    assert.strictEqual(ranges.room(8, 40), 1)
    assert.strictEqual(ranges.split(8, 40).length, 1)
    assert.strictEqual(own.endBytes, 50)
    assert.strictEqual(ranges.room(8, 40), 0)
  })

  it("makes the unwritten bytes of a released claim a hole", () => {
    const ranges = new RangeMap(100)
    const claim = ranges.claim(20, 80)
    claim.nextBytes = 60
    claim.doneBytes = 50
    assert.strictEqual(ranges.bytes, 30)
    ranges.release(claim)
    ranges.release(claim)
    assert.strictEqual(ranges.bytes, 30)
    assert.deepStrictEqual(ranges.holes(), [
      { startBytes: 0, endBytes: 20 },
      { startBytes: 50, endBytes: 100 }
    ])
  })

  it("extends a claim over a hole, and no further", () => {
    const ranges = new RangeMap(100)
    const own = ranges.claim(0, 30)
    const other = ranges.claim(60, 100)
    other.activeAt = 0
    assert.isTrue(ranges.extend(own, 100))
    assert.strictEqual(own.endBytes, 60)
    assert.isFalse(ranges.extend(own, 100))
    ranges.release(other)
    assert.isTrue(ranges.extend(own, 80))
    assert.strictEqual(own.endBytes, 80)
    assert.isFalse(ranges.extend(own, 80))
  })

  it("extends a claim over a whole claim whose response has not begun", () => {
    const ranges = new RangeMap(100)
    const own = ranges.claim(0, 30)
    const other = ranges.claim(30, 100)
    assert.isFalse(ranges.extend(own, 80))
    assert.isTrue(ranges.extend(own, 100))
    assert.deepInclude(own, { startBytes: 0, endBytes: 100 })
    assert.deepInclude(other, { startBytes: 30, endBytes: 30 })
    assert.deepStrictEqual(ranges.holes(), [])
    ranges.release(other)
    assert.deepStrictEqual(ranges.holes(), [])
  })

  it("says what would extend a claim, and changes nothing", () => {
    const ranges = new RangeMap(100)
    const own = ranges.claim(0, 30)
    const other = ranges.claim(60, 100)
    assert.deepStrictEqual(ranges.next(own, 100), { startBytes: 30, endBytes: 60 })
    assert.isUndefined(ranges.next(own, 30))
    own.endBytes = 60
    assert.deepStrictEqual(ranges.next(own, 100), { startBytes: 60, endBytes: 100, from: other })
    assert.isUndefined(ranges.next(own, 99))
    other.activeAt = 5
    assert.isUndefined(ranges.next(own, 100))
    assert.deepStrictEqual([own.endBytes, other.endBytes], [60, 100])
  })

  it("claims the first hole, and nothing if there is none", () => {
    const ranges = new RangeMap(100)
    ranges.add(10, 20)
    assert.deepInclude(ranges.claimHole(), { startBytes: 0, endBytes: 10, nextBytes: 0 })
    assert.deepInclude(ranges.claimHole(), { startBytes: 20, endBytes: 100 })
    assert.isUndefined(ranges.claimHole())
    assert.deepStrictEqual(ranges.holes(), [])
  })

  it("takes over the rest of a silent claim once", () => {
    const ranges = new RangeMap(100)
    const silent = ranges.claim(0, 50)
    const lively = ranges.claim(50, 100)
    silent.nextBytes = silent.doneBytes = 10
    silent.activeAt = 5
    lively.activeAt = 20
    const taken = ranges.takeOver(10)
    assert.deepInclude(taken, { startBytes: 10, endBytes: 50, isTakenOver: true })
    assert.strictEqual(restOf(silent), 0)
    if (taken !== undefined) {
      taken.activeAt = 6
    }
    assert.isUndefined(ranges.takeOver(10))
  })

  it("covers each byte once, after any sequence of calls", () => {
    for (let seed = 1; seed <= 400; seed++) {
      const from = new Draw(seed)
      const totalBytes = from.between(1, 5000)
      const leastBytes = from.between(1, 300)
      const ranges = new RangeMap(totalBytes)
      const written = new Uint8Array(totalBytes)
      const claims = new Set<Claim>([ranges.claim(0, totalBytes)])
      const pick = (): Claim | undefined => Array.from(claims)[from.below(claims.size)]
      const write = (claim: Claim, bytes: number): void => {
        for (let at = claim.nextBytes; at < claim.nextBytes + bytes; at++) {
          written[at] = (written[at] ?? 0) + 1
        }
        claim.nextBytes += bytes
        claim.doneBytes = claim.nextBytes
      }
      for (let step = 0; !ranges.isWhole; step++) {
        assert.isBelow(step, 20_000, `seed ${seed} comes to no end`)
        const claim = pick()
        if (claim === undefined || from.chance(0.1)) {
          const count = from.between(1, 5)
          const room = ranges.room(count, leastBytes)
          const fresh = ranges.split(count, leastBytes)
          assert.strictEqual(fresh.length, room)
          for (const one of fresh) {
            assert.isAbove(restOf(one), 0)
            claims.add(one)
          }
        } else if (from.chance(0.05)) {
          ranges.release(claim)
          claims.delete(claim)
        } else if (from.chance(0.06)) {
          ranges.extend(claim, totalBytes)
        } else {
          write(claim, Math.min(restOf(claim), from.between(0, 400)))
          if (restOf(claim) === 0) {
            ranges.release(claim)
            claims.delete(claim)
          }
        }
        const there = written.reduce((sum, count) => sum + count, 0)
        assert.strictEqual(ranges.bytes, there, `seed ${seed}`)
        const open = [
          ...ranges.holes(),
          ...Array.from(claims, (one) => ({ startBytes: one.nextBytes, endBytes: one.endBytes }))
        ]
        assert.strictEqual(
          open.reduce((sum, { endBytes, startBytes }) => sum + endBytes - startBytes, there),
          totalBytes,
          `seed ${seed}`
        )
      }
      assert.isTrue(written.every((count) => count === 1))
      assert.deepStrictEqual(ranges.holes(), [])
    }
  })
})
