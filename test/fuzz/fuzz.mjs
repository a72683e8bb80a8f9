// Compares the reader of Node/Transport with undici and with Node's own parser in many cases: npm run fuzz -- --cases 100000 [--from 1]
//
// Prints how often they agree, how often one of them refuses a response for a listed reason, and the first cases in which they
// disagree. Exits with 1 if there is such a case.
import { mkdirSync } from "node:fs"
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import { build } from "esbuild"

const { values } = parseArgs({
  options: { cases: { type: "string", default: "100000" }, from: { type: "string", default: "1" } }
})
const cases = Number(values.cases)
const from = Number(values.from)
if (!Number.isInteger(cases) || cases < 1 || !Number.isInteger(from)) {
  console.error("fuzz: --cases N and --from N must be whole numbers")
  process.exit(2)
}

const directory = new URL("../../node_modules/.cache/halyard/", import.meta.url)
const outfile = new URL("differential.mjs", directory)
mkdirSync(directory, { recursive: true })
await build({
  entryPoints: [new URL("differential.ts", import.meta.url).pathname],
  outfile: outfile.pathname,
  bundle: true,
  format: "esm",
  platform: "node",
  packages: "external"
})
const { run } = await import(outfile.href)

const batch = 2000
const start = performance.now()
const totals = {}
const disagreements = []
for (let done = 0; done < cases; done += batch) {
  const result = await Effect.runPromise(run(from + done, Math.min(batch, cases - done)))
  for (const [reference, counts] of Object.entries(result.totals)) {
    totals[reference] ??= {}
    for (const [kind, count] of Object.entries(counts)) {
      totals[reference][kind] = (totals[reference][kind] ?? 0) + count
    }
  }
  disagreements.push(...result.disagreements)
}
for (const { detail, seed } of disagreements.slice(0, 20)) {
  console.log(`seed ${seed}: ${detail}\n`)
}
const seconds = (performance.now() - start) / 1000
console.log(`${cases} cases in ${seconds.toFixed(1)} s, ${disagreements.length} disagreements`)
for (const [reference, { agreements, laxer, stricter }] of Object.entries(totals)) {
  console.log(`with ${reference}: ${agreements} agreements, ${stricter} stricter, ${laxer} laxer`)
}
process.exitCode = disagreements.length === 0 ? 0 : 1
