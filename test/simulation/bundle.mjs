// Bundles the simulation into one module, with changes to files of src.
import { mkdirSync, rmSync } from "node:fs"
import { fileURLToPath, pathToFileURL } from "node:url"
import { build } from "esbuild"

// In node_modules, so that the imports of the bundles are found from there.
const directory = fileURLToPath(
  new URL(`../../node_modules/.cache/halyard-simulation/${process.pid}/`, import.meta.url)
)

/** Returns the URL of the module. `changed` has the new content of files by their paths. */
export const bundle = async (name, changed = new Map(), entry = new URL("Simulation.ts", import.meta.url)) => {
  mkdirSync(directory, { recursive: true })
  const outfile = `${directory}${name}.mjs`
  await build({
    entryPoints: [fileURLToPath(entry)],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    logLevel: "error",
    plugins: [
      {
        name: "changed",
        setup: (on) =>
          on.onLoad({ filter: /\.ts$/ }, ({ path }) =>
            changed.has(path) ? { contents: changed.get(path), loader: "ts" } : undefined
          )
      }
    ]
  })
  return pathToFileURL(outfile).href
}

export const removeBundles = () => rmSync(directory, { recursive: true, force: true })
