import { assert, describe, it } from "@effect/vitest"
import { CompactCounts } from "../../../src/internal/text/compactCounts.js"
import * as FileNames from "../../../src/internal/text/fileNames.js"
import { UniquePaths } from "../../../src/internal/text/uniquePaths.js"

describe("internal/text/compactCounts", () => {
  it("keeps one number for each text", () => {
    const counts = new CompactCounts()
    const count = 200_000
    for (let index = 0; index < count; index++) {
      counts.set(`file-${index}.gif`, index + 1)
    }
    for (let index = 0; index < count; index++) {
      assert.isTrue(counts.get(`file-${index}.gif`) === index + 1, `${index}`)
    }
    assert.strictEqual(counts.get("another"), 0)
    counts.set("file-0.gif", 7)
    assert.strictEqual(counts.get("file-0.gif"), 7)
  })

  it("gives every URL of a long list a different name", () => {
    const paths = new UniquePaths()
    const nameOf = (url: string) => paths.take(FileNames.fromUrl(url))
    const names = new Set<string>()
    for (let index = 0; index < 100_000; index++) {
      names.add(nameOf(`http://a.test/${index % 1000}/FILE.gif?${index}`).toLowerCase())
      names.add(nameOf(`http://a.test/${index}.gif`))
    }
    assert.strictEqual(names.size, 200_000)
    assert.isTrue(names.has("file-100000.gif"))
  })
})
