// The licences of the packages whose code is part of a bundle: what they ask for is that their notice goes along.
import { readdirSync, readFileSync } from "node:fs"

const notice = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i

/** The section about the licence, if it has the notice. */
const licenceIn = (readme) => {
  const [, section = ""] = /^#+ +licen[cs]e *\n(.*)/ims.exec(readme) ?? []
  return section.includes("Copyright") ? [section.trim()] : []
}

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
    const names = readdirSync(`${root}${path}`)
    const read = (file) => readFileSync(`${root}${path}/${file}`, "utf8").trim()
    const files = names.filter((file) => notice.test(file)).sort()
    // A few packages have their licence at the end of their description.
    const described = names.filter((file) => /^readme\.md$/i.test(file)).flatMap((file) => licenceIn(read(file)))
    const texts = files.length > 0 ? files.map(read) : described
    if (texts.length === 0 || typeof license !== "string") {
      throw new Error(`${name} is part of the program, and there is no licence in ${path}`)
    }
    return [`${name} ${version} (${license})`, ...texts].join("\n\n")
  })
  const start =
    "The command line of halyard, dist/bin.cjs, dist/program.cjs, dist/batches.cjs and dist/report.html, has code of these packages in it."
  return `${[start, ...sections].join(`\n\n${"-".repeat(80)}\n\n`)}\n`
}
