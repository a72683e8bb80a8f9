// What the rows of the page are: the transfers of a run, or the shards of a batch.

import type { Outcome, Phase } from "../src/RunRecord/data.js"
import { phaseNames } from "../src/RunRecord/phaseNames.js"
import { outcomeNames } from "./format.js"

export interface Words {
  readonly one: string
  readonly many: string
  /** One more try, and several of them. */
  readonly again: readonly [string, string]
  readonly outcomes: { readonly [outcome in Outcome]: string }
  readonly phases: { readonly [phase in Phase]: string }
  /** What they did in a phase, and why they may have done it for long. */
  readonly remarks: { readonly [phase in Phase]: string }
  readonly phasesOfAll: string
  readonly charts: string
  readonly open: string
  readonly rows: string
}

export const transfers: Words = {
  one: "transfer",
  many: "transfers",
  again: ["retry", "retries"],
  outcomes: outcomeNames,
  phases: phaseNames,
  remarks: {
    permit: "waited for a permit: the limits of the run, or of an origin, held them back",
    lookup: "looked up names",
    connect: "opened connections",
    tls: "made connections secure",
    firstByte: "waited for the first byte: the servers took long to answer",
    body: "received bodies",
    delay: "waited before the next attempt, after one that failed",
    finish: "checked and saved files: the disk took long"
  },
  phasesOfAll: "Time of all transfers by phase",
  charts: "Charts of the run over time",
  open: "Open requests",
  rows: "Transfers by origin: each row is a file"
}

export const shards: Words = {
  one: "shard",
  many: "shards",
  again: ["earlier attempt", "earlier attempts"],
  outcomes: { ...outcomeNames, saved: "done", failed: "abandoned", unfinished: "running" },
  phases: { ...phaseNames, body: "last attempt", delay: "earlier attempt, until the next one" },
  remarks: {
    ...transfers.remarks,
    body: "were in their last attempt",
    delay: "were in an attempt without a result, or waited for the next one"
  },
  phasesOfAll: "Time of all shards by attempt",
  charts: "Charts of the batch over time",
  open: "Running shards",
  rows: "Shards by runner: each row is a shard"
}
