/**
 * Runs `halyard submit`: stores the batch, and with `--local` carries it out.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Batches from "../../cluster/Batches.js"
import type { InvalidBatch } from "../../cluster/errors.js"
import { StatusLine } from "../../StatusLine.js"
import { Store } from "../../Store.js"
import * as Database from "../Batch/database.js"
import * as OptionSources from "../Batch/optionSources.js"
import * as OutputSettings from "../Batch/outputSettings.js"
import type { Texts } from "../commandLine/Option.js"
import type { Line } from "../commandLine/parse.js"
import { options as getOptions, type Options } from "../Get/options.js"
import { Host } from "../Host.js"
import * as BucketUrl from "../run/bucketUrl.js"
import { UsageError } from "../UsageError.js"
import { local } from "./local.js"
import { own } from "./options.js"
import * as Requests from "./requests.js"

export const submit = Effect.fn("submit")(function* (line: Line, texts: Texts, version: string) {
  const host = yield* Host
  const statusLine = yield* StatusLine
  const options = yield* OptionSources.values(own, texts)
  const { onExists, tar } = options
  const ofGet = yield* OptionSources.values(getOptions, texts)
  if (tar) {
    yield* checkTar({ ...ofGet, onExists })
  }
  const given = { ...ofGet, onExists: tar ? "skip" : onExists }
  const isInBucket = BucketUrl.isIn(given.directory)
  if (!options.local && options.processes !== undefined) {
    return yield* new UsageError({ message: "--processes N is for --local" })
  }
  const id = options.id ?? (yield* newId)
  const shardSize = options.shardSize ?? (options.local && !tar ? localShardSize : undefined)
  const database = options.local ? undefined : yield* Database.required(options.database)
  const opened = yield* Requests.open(line.positional, given, { isTar: tar })
  if (isInBucket) {
    yield* checkBucket(given, options.local)
  }
  const settings = OutputSettings.encode({ _tag: tar ? "tar" : "files", directory: opened.directory })
  /** Stores the batch. Succeeds with the number of items that are not part of it. */
  const store = Effect.gen(function* () {
    const batches = yield* Batches.Batches
    const submitted = yield* Effect.mapError(
      batches.submit({ id, requests: opened.requests, shardSize, settings }),
      usageOf
    )
    const refused = opened.refused()
    for (const notice of opened.notices()) {
      statusLine.line(notice)
    }
    if (refused > 0) {
      statusLine.line(`${refused} ${refused === 1 ? "item is" : "items are"} not part of the batch`)
    }
    return { submitted, refused }
  })
  if (database === undefined) {
    return yield* local(store, { ...options, id }, texts, version)
  }
  const { refused, submitted } = yield* Effect.provide(store, host.batches(database))
  host.stdout.write(options.json ? `${JSON.stringify(submitted)}\n` : `${submitted.id}\n`)
  if (!options.json) {
    statusLine.line(
      `${submitted.isNew ? "submitted" : "this batch was submitted before"}: ${submitted.files} files in ${submitted.shards} shards`
    )
  }
  return refused === 0 ? 0 : 1
}, Effect.scoped)

/** Refuses options that a tar cannot have. */
const checkTar = ({ allowOutside, directory, onExists, sync }: TarOptions): Effect.Effect<void, UsageError> => {
  const problem = sync
    ? "--sync asks about files that --tar does not replace: give one of them"
    : onExists === "overwrite"
      ? "--on-exists overwrite and --tar contradict each other: a complete tar is not changed"
      : allowOutside
        ? "--allow-outside is for files, and --tar writes none"
        : directory.includes("{shard}")
          ? "--directory DIR must not have {shard} in it with --tar"
          : undefined
  return problem === undefined ? Effect.void : new UsageError({ message: problem })
}

/**
 * Fails if the object storage cannot be used. Runners may have an account that this process does not have, so without `--local` an account
 * is not needed.
 */
const checkBucket = Effect.fnUntraced(function* ({ directory, noProxy, proxy }: Options, isLocal: boolean) {
  const host = yield* Host
  if (!isLocal && !hasAccount(host)) {
    const { line } = yield* StatusLine
    line(
      `${directory} was not checked, because AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set here: each runner needs them`
    )
    return
  }
  yield* Effect.flatMap(Store, (store) => store.prepare(directory)).pipe(
    Effect.provide(host.bucket(directory, { noProxy, proxy }))
  )
})

const hasAccount = ({ environment }: typeof Host.Service): boolean =>
  ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].every((name) => (environment[name] ?? "") !== "")

type TarOptions = Pick<Options, "allowOutside" | "directory" | "onExists" | "sync">

/** A wrong id is a wrong command line. */
const usageOf = <E extends { readonly _tag: string }>(error: E | InvalidBatch): E | InvalidBatch | UsageError =>
  isInvalidId(error) ? new UsageError({ message: `--id ID: ${error.detail}` }) : error

const isInvalidId = (error: { readonly _tag: string }): error is InvalidBatch =>
  error._tag === "InvalidBatch" && "index" in error && error.index === undefined

/** Small shards give each process work until the end of a short list. */
const localShardSize = 100

const newId = Effect.zipWith(Clock.currentTimeMillis, Random.nextIntBetween(0, 16 ** 4), (millis, number) => {
  const [date = "", time = ""] = new Date(millis).toISOString().replace(/\..*$/, "").replace(/[-:]/g, "").split("T")
  return `${date}-${time}-${number.toString(16).padStart(4, "0")}`
})
