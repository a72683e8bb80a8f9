/**
 * The requests of a run, from its items and its options.
 */
import * as Duration from "effect/Duration"
import * as Download from "../../Download.js"
import type { Ready } from "./items.js"
import type { Options } from "./options.js"

export interface Shared {
  readonly options: Options
  /** The limit of `--max-time`, without the time that the run has waited before. */
  readonly deadline: Duration.Duration | undefined
  /** The content that each request sends. */
  readonly body: Download.RequestOptions["body"]
  /** Whether an unfinished part is continued. */
  readonly mayResume: boolean
}

/** The request of an item. */
export const requestOf =
  ({ body, deadline, mayResume, options }: Shared) =>
  ({ digest, headers, index, isNamedByServer, item: { fields, url }, path }: Ready): Download.DownloadRequest =>
    Download.request({
      id: `${index}`,
      url,
      destination: path,
      nameFrom: isNamedByServer ? "server" : "url",
      timeout: options.timeout ?? Duration.infinity,
      deadline,
      onExists: options.onExists ?? (options.sync ? "sync" : "update"),
      digest,
      mirrors: fields.mirrors,
      sizeBytes: fields.sizeBytes,
      limitBytes: options.maxFilesize,
      resume: mayResume,
      continue: options.continue,
      method: options.method,
      body,
      headers
    })
