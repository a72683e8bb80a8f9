/**
 * What a downloader and its worker threads write to each other: plain data, and nothing of a schema but for errors.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Download from "../Download.js"
import { DownloadError } from "../DownloadError.js"
import type { Signal } from "../OriginGovernor.js"
import type { RetryPolicy } from "../RetryPolicy.js"
import type { Durability } from "../Store.js"

/** A request without its `id`, which is the caller's alone. */
export interface PlainRequest {
  readonly url: string
  readonly destination: string
  readonly timeoutMillis: number
  readonly onExists: Download.DownloadRequest["onExists"]
  readonly headers?: Readonly<Record<string, string>>
  readonly digest?: string
  readonly sizeBytes?: number
  readonly limitBytes?: number
  readonly mediaType?: string
}

export type ToThread =
  /** The first note, and once. */
  | { readonly _tag: "Begin"; readonly settings: PlainSettings }
  | Carry
  /** A permit for the request's own origin (0), or for what was asked for. */
  | { readonly _tag: "Granted"; readonly id: number; readonly permit: number; readonly ask: number }
  /** Give it up, if it still can be; its outcome is told all the same. */
  | { readonly _tag: "GiveUp"; readonly id: number }
  /** The answer to `Received`. */
  | { readonly _tag: "Rest"; readonly origin: string; readonly millis: number }
  /** No permit that was given until now is to be passed on. */
  | { readonly _tag: "Hold" }

/** Carry this out, with a permit for its URL's origin: this one, one that is passed on within the run, or one that comes. */
export interface Carry {
  readonly _tag: "Carry"
  readonly id: number
  readonly run: number
  readonly permit: number | undefined
  /** Whether somebody wants to be told of events. */
  readonly tells: boolean
  readonly request: PlainRequest
}

export type FromThread = Told | Asked

export type AboutOne = FromThread & { readonly id: number }

/** About one request, in its order. An outcome is the last, and gives all permits of the request back. */
export type Told =
  | {
      readonly _tag: "Saved"
      readonly id: number
      readonly destination: string
      readonly bytes: number
      readonly verified: Download.Verification
      readonly attempts: number
    }
  | { readonly _tag: "Skipped" | "Cancelled"; readonly id: number }
  | { readonly _tag: "Failed"; readonly id: number; readonly error: PlainError }
  /** A bug. */
  | { readonly _tag: "Died"; readonly id: number; readonly detail: string }
  | {
      readonly _tag: "Advanced"
      readonly id: number
      readonly bytes: number
      readonly totalBytes: number | undefined
    }
  | {
      readonly _tag: "Retrying"
      readonly id: number
      readonly error: PlainError
      readonly attempt: number
      readonly delayMillis: number
    }

export type Outcome = Extract<Told, { readonly _tag: "Saved" | "Skipped" | "Cancelled" | "Failed" | "Died" }>

export const isOutcome = (note: FromThread): note is Outcome => outcomes.has(note._tag)

const outcomes: ReadonlySet<string> = new Set(["Saved", "Skipped", "Cancelled", "Failed", "Died"])

/** For the governor, which the caller has. */
export type Asked =
  /** The first note: the thread works. */
  | { readonly _tag: "Ready" }
  | { readonly _tag: "Ask"; readonly id: number; readonly ask: number; readonly origin: string }
  | { readonly _tag: "AskNoMore"; readonly id: number; readonly ask: number }
  | { readonly _tag: "Release"; readonly id: number; readonly permit: number }
  /** The permit is another request's now. */
  | { readonly _tag: "Passed"; readonly id: number; readonly permit: number; readonly to: number }
  | { readonly _tag: "Parked"; readonly id: number; readonly is: boolean }
  | { readonly _tag: "Succeeded"; readonly origin: string; readonly count: number }
  | { readonly _tag: "Report"; readonly origin: string; readonly signal: Signal; readonly ageMillis: number }
  | { readonly _tag: "Pause"; readonly origin: string; readonly millis: number }
  | { readonly _tag: "Received"; readonly origin: string; readonly bytes: number }

/** What a downloader's options say about a transfer. */
export interface PlainSettings {
  readonly retry: { readonly [name in keyof Omit<RetryPolicy, "isTransient" | "retries">]: number } & {
    readonly retries: number
  }
  readonly headersMillis: number
  readonly stall: { readonly bytes: number; readonly millis: number }
  readonly durability: Durability
  readonly strict: boolean
  /** Whether received bytes are told, because there may be a limit on them. */
  readonly countsBytes: boolean
  /** Whether a permit may be passed on to the next request of its run and origin. */
  readonly passes: boolean
}

export type PlainError = Schema.Schema.Encoded<typeof DownloadError>

export const plainError: (error: DownloadError) => PlainError = Schema.encodeSync(DownloadError)

export const errorOf: (plain: PlainError) => DownloadError = Schema.decodeSync(DownloadError)

export const plainRequest = (request: Download.DownloadRequest): PlainRequest => {
  const { destination, digest, headers, limitBytes, mediaType, onExists, sizeBytes, timeout, url } = request
  return {
    url,
    destination,
    timeoutMillis: Duration.toMillis(timeout),
    onExists,
    ...(headers === undefined ? {} : { headers: Record.map(headers, Redacted.value) }),
    ...(digest === undefined ? {} : { digest }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(mediaType === undefined ? {} : { mediaType })
  }
}

export const requestOf = ({ timeoutMillis, ...plain }: PlainRequest): Download.DownloadRequest =>
  Download.request({ ...plain, id: "", timeout: timeoutMillis })
