/**
 * The options of `halyard report`.
 */
import { database } from "../Batch/options.js"
import { flag, nonEmpty, type Values } from "../commandLine/Option.js"

const input = {
  batch: nonEmpty("--batch ID", "Show this batch of a database, and no FILE"),
  database
}

const output = {
  json: flag("--json", "Print the batch as the JSON lines of get"),
  html: nonEmpty("--html FILE", "Write a page that shows the run to FILE", "file"),
  har: nonEmpty("--har FILE", "Write all requests to FILE, for a browser", "file")
}

export const groups = { Input: input, Output: output }

export const options = { ...input, ...output }

export type Options = Values<typeof options>
