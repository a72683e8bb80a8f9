// Bugs of runs that find files of earlier runs (reruns/).

const transfer = "engine/transfer.ts"
const run = "engine/run.ts"
const precheck = "engine/precheck.ts"
const localFile = "engine/localFile.ts"
const fileTransfer = "engine/fileTransfer.ts"
const saved = "engine/saved.ts"

/** [what is wrong, [file, text, replacement] …] */
export const mutations = [
  ["a truncated file counts as done", [precheck, "entry.bytes === sizeBytes && ", ""]],
  [
    "a file that was changed counts as done",
    [precheck, "isSameTime(entry.modifiedMillis, info.modifiedMillis)", "true"]
  ],
  [
    "a 304 is believed although the file was changed",
    [precheck, "if (!isRecorded || entry", 'if ((!isRecorded && request.onExists === "update") || entry']
  ],
  ["the validators of another URL are sent", [precheck, "entry.urlKey !== urlKey(hasher, request.url)", "false"]],
  ["the validators are sent to the URL that redirects", [localFile, "displayUrl(hop.href) !== condition.url", "false"]],
  ["a 304 of another version is believed", [localFile, "!isOfVersion(condition, headers)", "false"]],
  [
    "a whole response counts as not modified because of its size",
    [
      localFile,
      "validator !== undefined && (validator === condition.etag || validator === condition.lastModified)",
      "true"
    ]
  ],
  [
    "an older file of the same size counts as done",
    [localFile, "this.isComparable && !this.isOlderThan(headers)", "this.isComparable"]
  ],
  [
    "a recorded file that was changed counts as done because of its size",
    [localFile, "this.isComparable && !this.isOlderThan(headers)", "!this.isOlderThan(headers)"]
  ],
  [
    "the digest of a file that is there is not checked",
    [precheck, "return isExpected(expected, digest) ?", "return true ?"]
  ],
  [
    "the recorded digest is not compared",
    [precheck, 'isRecorded && isExpected(expected, entry.digest ?? "")', "isRecorded"]
  ],
  [
    "a file that appeared is taken for what was received",
    [fileTransfer, "return expected === undefined", "return true"],
    [fileTransfer, "isSame ?", "true ?"]
  ],
  [
    "a file that another program makes is overwritten",
    [saved, 'local === undefined ? "fail" : "overwrite"', '"overwrite"']
  ],
  ["the modification time is that of the publish", [saved, "Math.min(at, now)", "now"]],
  ["the modification time lies in the future", [saved, "Math.min(at, now)", "at"]],
  ["two files of a run get one name", [fileTransfer, "if (names === undefined) {", "if (true) {"]],
  [
    "a server's name that is known to be of another URL is overwritten",
    [fileTransfer, "isOther ? this.take", "false ? this.take"],
    [fileTransfer, "|| !looking.value", "|| true"]
  ],
  [
    "a server's name that exists is overwritten",
    [
      fileTransfer,
      "this.destination = destination\n      return this.look()",
      "this.destination = destination\n      return Exit.succeed(undefined)"
    ],
    [saved, "  return onExists\n}", '  return "overwrite"\n}']
  ],
  [
    "the journal has an entry before the publish",
    [
      transfer,
      'import { Hasher } from "../Hasher.js"',
      'import { Hasher } from "../Hasher.js"\nimport { makeEntry } from "../Journal.js"'
    ],
    [
      transfer,
      "const publishing = received.part.publish({",
      `const recording = file.journal?.record(makeEntry(saved, file.hasher, 0)) ?? Exit.void
    const publishing = andThen(recording, () => received.part.publish({`
    ],
    [
      transfer,
      "FileNames.lastSegment(file.destination),\n      saved\n    })",
      "FileNames.lastSegment(file.destination),\n      saved\n    }))"
    ]
  ],
  [
    "the journal does not record which URL a redirect led to",
    ["Journal.ts", "...(finalUrl === shownUrl ? {} : { finalUrl }),", ""]
  ],
  ["a worker that is idle does not end with the others", [run, "        idle.wakeOne()\n", ""]],
  [
    "a file that was adopted is not recorded",
    ["Journal/Directory.ts", 'entry.reason === "recorded"', "entry.reason !== undefined"]
  ],
  [
    "the last entries are lost when a program ends",
    [
      "Journal/Directory.ts",
      "        flush,\n        Effect.suspend(() => Effect.forEach(directories",
      "        Effect.void,\n        Effect.suspend(() => Effect.forEach(directories"
    ]
  ]
]
