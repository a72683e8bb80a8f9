// Builds dist/: the modules of the library with their types, and the command line as one file.
import { execFileSync } from "node:child_process"
import { readFileSync, rmSync } from "node:fs"
import { build } from "esbuild"

const only = process.argv[2]
const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"))

if (only !== "cli") {
  rmSync(new URL("dist", import.meta.url), { recursive: true, force: true })
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "src"], {
    cwd: new URL(".", import.meta.url),
    stdio: "inherit"
  })
}

await build({
  absWorkingDir: import.meta.dirname ?? new URL(".", import.meta.url).pathname,
  entryPoints: ["src/bin.ts"],
  outfile: "dist/bin.js",
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  legalComments: "none",
  minifySyntax: true,
  minifyWhitespace: true,
  define: { HALYARD_VERSION: JSON.stringify(version) },
  // CommonJS packages in the bundle ask for node's own modules.
  banner: {
    js: `#!/usr/bin/env node\nimport { createRequire as halyardCreateRequire } from "node:module"\nconst require = halyardCreateRequire(import.meta.url)`
  }
})
