// The licences of the packages whose code is part of a bundle: what they ask for is that their notice goes along.
import { readdirSync, readFileSync } from "node:fs"

const notice = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i

// The directory of the package that a file of a bundle belongs to; none for a file of this project.
const directory = /^((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//

const packagesOf = (metafiles) => {
  const found = new Set()
  for (const { inputs } of metafiles.flatMap(({ outputs }) => Object.values(outputs))) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const [, one] = directory.exec(path) ?? []
      if (one !== undefined && bytesInOutput > 0) {
        found.add(one)
      }
    }
  }
  return [...found].sort()
}

/**
 * A text with the name, the version and the licence of each package that esbuild has put into these bundles, of which
 * paths are relative to `root`. Throws if one of them has no licence.
 */
export const notices = (root, metafiles) => {
  const sections = packagesOf(metafiles).map((path) => {
    const { license, name, version } = JSON.parse(readFileSync(`${root}${path}/package.json`, "utf8"))
    const files = readdirSync(`${root}${path}`).filter((file) => notice.test(file))
    if (files.length === 0 || typeof license !== "string") {
      throw new Error(`${name} is part of the program, and there is no licence in ${path}`)
    }
    const texts = files.sort().map((file) => readFileSync(`${root}${path}/${file}`, "utf8").trim())
    return [`${name} ${version} (${license})`, ...texts].join("\n\n")
  })
  const start =
    "The command line of halyard, dist/bin.cjs, dist/program.cjs and dist/report.html, has code of these packages in it."
  return `${[start, ...sections].join(`\n\n${"-".repeat(80)}\n\n`)}\n`
}
