/**
 * The options of `halyard report`.
 */
import { nonEmpty, type Values } from "../Option.js"

const output = {
  html: nonEmpty("--html FILE", "Write a page that shows the run to FILE", "file"),
  har: nonEmpty("--har FILE", "Write all requests to FILE, for a browser", "file")
}

export const groups = { Output: output }

export const options = { ...output }

export type Options = Values<typeof options>
