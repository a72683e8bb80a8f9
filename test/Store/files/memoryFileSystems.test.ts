import { assert, describe, it } from "@effect/vitest"
import { MemoryFileSystems } from "../../../src/Store/files/memoryFileSystems.js"

describe("Store/files/memoryFileSystems", () => {
  it("asks once a second for each directory", () => {
    let now = 0
    const asked: Array<string> = []
    const found = new MemoryFileSystems(
      (directory) => {
        asked.push(directory)
        return directory === "/memory"
      },
      () => now
    )
    assert.isTrue(found.has("/memory"))
    assert.isFalse(found.has("/disk"))
    now = 999
    assert.isTrue(found.has("/memory"))
    assert.deepStrictEqual(asked, ["/memory", "/disk"])
    now = 1000
    assert.isTrue(found.has("/memory"))
    assert.deepStrictEqual(asked, ["/memory", "/disk", "/memory"])
  })

  it("finds that another file system was mounted", () => {
    let now = 0
    let isInMemory = true
    const found = new MemoryFileSystems(
      () => isInMemory,
      () => now
    )
    assert.isTrue(found.has("/d"))
    isInMemory = false
    now = 1001
    assert.isFalse(found.has("/d"))
  })

  it("takes a directory that cannot be looked at for one on a disk", () => {
    const found = new MemoryFileSystems(
      () => {
        throw new Error("ENOENT")
      },
      () => 0
    )
    assert.isFalse(found.has("/d"))
  })

  it("keeps a bounded number of directories", () => {
    let asked = 0
    const found = new MemoryFileSystems(
      () => {
        asked++
        return false
      },
      () => 0
    )
    for (let index = 0; index < 1001; index++) {
      found.has(`/d/${index}`)
    }
    found.has("/d/0")
    assert.strictEqual(asked, 1002)
  })
})
