/**
 * The tables of the documentation that `npm run bench` writes from its results.
 */
import { assert, describe, it } from "@effect/vitest"

const { withRates } = await import(new URL("../bench/rates.mjs", import.meta.url).href)

const stat = (median: number) => ({ median, min: median, max: median })

const results = {
  B1: {
    title: "small files",
    rows: [
      { beside: "curl -Z", rate: stat(0.5), cpu: stat(3), targets: [] },
      { beside: "wget2", missing: true, targets: [] },
      { beside: "aria2c", rate: undefined, cpu: undefined, targets: [] },
      { beside: "itself", figure: { what: "peak RSS", ...stat(70), unit: " MiB" }, targets: [] }
    ]
  },
  B3: { title: "one file", quick: true, rows: [{ beside: "wget2", rate: stat(1.25), cpu: stat(0.8), targets: [] }] },
  options: {
    title: "options",
    rows: [
      { beside: "default ÷ --durability rename", rate: stat(0.9), cpu: stat(1.1), targets: [] },
      { beside: "a bar ÷ no bar", missing: "not measured", targets: [] }
    ]
  },
  disk: { title: "not measured", rows: [] }
}

const written = (comment: string, earlier = "") => {
  const page = withRates(`Before.\n\n<!-- ${comment} -->\n${earlier}\nAfter.\n`, results)
  assert.isTrue(page.startsWith(`Before.\n\n<!-- ${comment} -->\n`) && page.endsWith("\nAfter.\n"))
  assert.strictEqual(withRates(page, results), page)
  return page.split("\n").slice(3, -3)
}

describe("the tables from the results of the benchmarks", () => {
  it("has a row for each work that was measured beside one of the programs, and bold rates of faster ones", () => {
    assert.deepStrictEqual(written("rates beside curl -Z, wget2, aria2c", "| old |\n"), [
      "| work | curl -Z | wget2 | aria2c |",
      "| --- | --- | --- | --- |",
      "| small files | **0.50** |  |  |",
      "| one file, quick |  | 1.25 |  |"
    ])
  })

  it("has CPU times", () => {
    assert.deepStrictEqual(written("CPU times beside curl -Z, wget2"), [
      "| work | curl -Z | wget2 |",
      "| --- | --- | --- |",
      "| small files | **3.00** |  |",
      "| one file, quick |  | 0.80 |"
    ])
  })

  it("has the options that were measured", () => {
    assert.deepStrictEqual(written("rates of options"), [
      "| compared | rate ÷ | CPU time ÷ | work |",
      "| --- | --- | --- | --- |",
      "| default ÷ --durability rename | 0.90 | 1.10 | options |"
    ])
  })

  it("has no table if nothing was measured", () => {
    assert.deepStrictEqual(written("rates beside axel", "| old |\n"), [])
  })

  it("has figures that are no ratio", () => {
    assert.deepStrictEqual(written("figures of B1, B7"), [
      "| work | beside | figure |",
      "| --- | --- | --- |",
      "| small files | itself | peak RSS 70.0 MiB |"
    ])
  })
})
