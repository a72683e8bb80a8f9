// Builds the report page: one file of HTML with its style and its script in it, and a place for the data of a run.
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { build } from "esbuild"

const hashOf = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`

/** Replaces a text that occurs once. */
const replaceOnce = (text, marker, content) => {
  const parts = text.split(marker)
  if (parts.length !== 2) {
    throw new Error(`page/index.html has ${marker} ${parts.length - 1} times`)
  }
  return parts.join(content)
}

/** Succeeds with the page, and with the list of what it is made of. */
export const buildPage = async (root) => {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["page/main.ts", "page/page.css"],
    outdir: "page",
    bundle: true,
    write: false,
    platform: "browser",
    format: "iife",
    target: ["es2022", "chrome111", "firefox113", "safari16.4"],
    charset: "ascii",
    minify: true,
    legalComments: "none",
    metafile: true
  })
  const output = (end) => outputFiles.find(({ path }) => path.endsWith(end)).text.trim()
  const licence = readFileSync(`${root}node_modules/uplot/LICENSE`, "utf8").trim()
  const script = `/*! uPlot\n${licence}\n*/\n${output(".js")}`
  const style = output(".css")
  const policy = `default-src 'none'; img-src data:; style-src ${hashOf(style)}; script-src ${hashOf(script)}; base-uri 'none'; form-action 'none'`
  let html = readFileSync(`${root}page/index.html`, "utf8")
  html = replaceOnce(html, `content="default-src 'none'"`, `content="${policy}"`)
  html = replaceOnce(html, /<style>\s*\/\* style \*\/\s*<\/style>/, `<style>${style}</style>`)
  html = replaceOnce(html, /<script>\s*\/\* script \*\/\s*<\/script>/, `<script>${script}</script>`)
  return { html, metafile }
}
