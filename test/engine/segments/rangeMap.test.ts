import { assert, describe, it } from "@effect/vitest"
import { type Claim, Coverage } from "../../../src/engine/segments/rangeMap.js"
import { Draw } from "../../../src/testing/Scenario.js"

const restOf = ({ endBytes, nextBytes }: Claim): number => endBytes - nextBytes

describe("Coverage", () => {
  it("gives holes first, and then equal shares of what is largest", () => {
    const coverage = new Coverage(1000)
    coverage.add(0, 100)
    const own = coverage.claim(100, 900)
    const claims = coverage.split(4, 10)
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
    assert.deepStrictEqual(coverage.holes(), [])
  })

  it("divides nothing into shares that are too small", () => {
    const coverage = new Coverage(100)
    const own = coverage.claim(0, 100)
    assert.strictEqual(coverage.room(8, 40), 1)
    assert.strictEqual(coverage.split(8, 40).length, 1)
    assert.strictEqual(own.endBytes, 50)
    assert.strictEqual(coverage.room(8, 40), 0)
  })

  it("gives back what was not written", () => {
    const coverage = new Coverage(100)
    const claim = coverage.claim(20, 80)
    claim.nextBytes = 60
    claim.doneBytes = 50
    assert.strictEqual(coverage.bytes, 30)
    coverage.release(claim)
    coverage.release(claim)
    assert.strictEqual(coverage.bytes, 30)
    assert.deepStrictEqual(coverage.holes(), [
      { startBytes: 0, endBytes: 20 },
      { startBytes: 50, endBytes: 100 }
    ])
  })

  it("lets a claim grow over what nobody has, and no further", () => {
    const coverage = new Coverage(100)
    const own = coverage.claim(0, 30)
    const other = coverage.claim(60, 100)
    other.cameAt = 0
    assert.isTrue(coverage.extend(own, 100))
    assert.strictEqual(own.endBytes, 60)
    assert.isFalse(coverage.extend(own, 100))
    coverage.release(other)
    assert.isTrue(coverage.extend(own, 80))
    assert.strictEqual(own.endBytes, 80)
    assert.isFalse(coverage.extend(own, 80))
  })

  it("lets a claim grow over one of which nothing was promised yet, as a whole", () => {
    const coverage = new Coverage(100)
    const own = coverage.claim(0, 30)
    const other = coverage.claim(30, 100)
    assert.isFalse(coverage.extend(own, 80))
    assert.isTrue(coverage.extend(own, 100))
    assert.deepInclude(own, { startBytes: 0, endBytes: 100 })
    assert.deepInclude(other, { startBytes: 30, endBytes: 30 })
    assert.deepStrictEqual(coverage.holes(), [])
    coverage.release(other)
    assert.deepStrictEqual(coverage.holes(), [])
  })

  it("lets the rest of a silent claim be taken over once", () => {
    const coverage = new Coverage(100)
    const silent = coverage.claim(0, 50)
    const lively = coverage.claim(50, 100)
    silent.nextBytes = silent.doneBytes = 10
    silent.cameAt = 5
    lively.cameAt = 20
    const taken = coverage.takeOver(10)
    assert.deepInclude(taken, { startBytes: 10, endBytes: 50, isTakenOver: true })
    assert.strictEqual(restOf(silent), 0)
    if (taken !== undefined) {
      taken.cameAt = 6
    }
    assert.isUndefined(coverage.takeOver(10))
  })

  it("covers every byte once, whatever happens in whatever order", () => {
    for (let seed = 1; seed <= 400; seed++) {
      const from = new Draw(seed)
      const totalBytes = from.between(1, 5000)
      const leastBytes = from.between(1, 300)
      const coverage = new Coverage(totalBytes)
      const written = new Uint8Array(totalBytes)
      const claims = new Set<Claim>([coverage.claim(0, totalBytes)])
      const pick = (): Claim | undefined => Array.from(claims)[from.below(claims.size)]
      const write = (claim: Claim, bytes: number): void => {
        for (let at = claim.nextBytes; at < claim.nextBytes + bytes; at++) {
          written[at] = (written[at] ?? 0) + 1
        }
        claim.nextBytes += bytes
        claim.doneBytes = claim.nextBytes
      }
      for (let step = 0; !coverage.isWhole; step++) {
        assert.isBelow(step, 20_000, `seed ${seed} comes to no end`)
        const claim = pick()
        if (claim === undefined || from.chance(0.1)) {
          const count = from.between(1, 5)
          const room = coverage.room(count, leastBytes)
          const fresh = coverage.split(count, leastBytes)
          assert.strictEqual(fresh.length, room)
          for (const one of fresh) {
            assert.isAbove(restOf(one), 0)
            claims.add(one)
          }
        } else if (from.chance(0.05)) {
          coverage.release(claim)
          claims.delete(claim)
        } else if (from.chance(0.06)) {
          coverage.extend(claim, totalBytes)
        } else {
          write(claim, Math.min(restOf(claim), from.between(0, 400)))
          if (restOf(claim) === 0) {
            coverage.release(claim)
            claims.delete(claim)
          }
        }
        const there = written.reduce((sum, count) => sum + count, 0)
        assert.strictEqual(coverage.bytes, there, `seed ${seed}`)
        const open = [
          ...coverage.holes(),
          ...Array.from(claims, (one) => ({ startBytes: one.nextBytes, endBytes: one.endBytes }))
        ]
        assert.strictEqual(
          open.reduce((sum, { endBytes, startBytes }) => sum + endBytes - startBytes, there),
          totalBytes,
          `seed ${seed}`
        )
      }
      assert.isTrue(written.every((count) => count === 1))
      assert.deepStrictEqual(coverage.holes(), [])
    }
  })
})
