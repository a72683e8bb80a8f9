/**
 * The options of `halyard submit`.
 */
import { database, json, progress } from "../Batch/options.js"
import * as Transfer from "../Batch/transferOptions.js"
import { choice, flag, integer, nonEmpty } from "../commandLine/Option.js"
import { options as get } from "../Get/options.js"

const input = {
  input: get.input,
  noGlob: get.noGlob,
  sums: get.sums,
  baseUrl: get.baseUrl,
  allowOutside: get.allowOutside,
  database
}

const output = {
  directory: get.directory,
  forceDirectories: get.forceDirectories,
  nameTemplate: get.nameTemplate,
  onExists: choice("--on-exists ACTION", "If a file exists: skip or overwrite", ["skip", "overwrite"]),
  sync: get.sync,
  tar: flag("--tar", "Write each shard to one tar, for WebDataset"),
  progress,
  json
}

const requests = {
  header: get.header,
  headerEnv: get.headerEnv,
  user: get.user,
  netrc: get.netrc,
  netrcFile: get.netrcFile,
  referer: get.referer
}

const batch = {
  id: nonEmpty("--id ID", "Id of the batch (default: made from the time)"),
  shardSize: integer("--shard-size N", "Files in a shard (default 1000, --local: 100)", 1, 100_000),
  local: flag("--local", "Carry it out on this machine, and wait"),
  processes: integer("--processes N", "Processes of --local (default: the processors)", 1, 1000)
}

const limits = {
  timeout: get.timeout,
  maxTime: get.maxTime,
  maxFilesize: get.maxFilesize,
  noResume: get.noResume
}

/** What a batch consists of, and how it is shown. */
export const own = { ...batch, onExists: output.onExists, tar: output.tar, database, progress, json }

export const groups = {
  Input: input,
  Output: { ...output, ...Transfer.output },
  Network: { ...requests, ...Transfer.network },
  Behaviour: { ...batch, ...limits, ...Transfer.behaviour }
}

export const options = { ...input, ...output, ...requests, ...batch, ...limits, ...Transfer.all }
