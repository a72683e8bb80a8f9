/**
 * The text in which another process gets requests: with their secrets, and also those that cannot be carried out, because each of them
 * has an outcome.
 *
 * Only this module writes the text, so reading it checks its version and not its fields. A schema takes ten times as long.
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Unvalidated from "../internal/unvalidated.js"
import { DownloadRequest, defaults } from "./request.js"

/** Grows with each change of the fields of a request or of their form. */
const version = 1

/** Stored requests that this version of halyard cannot read. */
export class UnreadableRequests extends Schema.TaggedError<UnreadableRequests>("halyard/UnreadableRequests")(
  "UnreadableRequests",
  { reason: Schema.Literal("version", "damaged") }
) {
  override get message(): string {
    return this.reason === "version"
      ? "the requests were stored by another version of halyard, which must carry them out"
      : "the stored requests are damaged"
  }
}

type Row = { -readonly [Name in keyof typeof DownloadRequest.Encoded]: (typeof DownloadRequest.Encoded)[Name] }

type Given = ConstructorParameters<typeof DownloadRequest>[0]

type Fields = { -readonly [Name in keyof Given]: Given[Name] }

interface Stored {
  readonly version: number
  readonly requests: ReadonlyArray<Row>
}

/** Encodes requests as one line. */
export const encode = (requests: ReadonlyArray<DownloadRequest>): string =>
  JSON.stringify({ version, requests: requests.map(rowOf) } satisfies Stored)

/** Decodes what `encode` has returned. */
export const decode = (text: string): Either.Either<ReadonlyArray<DownloadRequest>, UnreadableRequests> =>
  Either.flatMap(
    // The message of JSON.parse would quote the text, which has secrets.
    Either.try({ try: (): Partial<Stored> | null => JSON.parse(text), catch: () => damaged }),
    (stored) => {
      if (stored?.version !== version) {
        return Either.left(new UnreadableRequests({ reason: "version" }))
      }
      const { requests } = stored
      return requests === undefined
        ? Either.left(damaged)
        : Either.try({ try: () => requests.map(requestOf), catch: () => damaged })
    }
  )

const damaged = new UnreadableRequests({ reason: "damaged" })

// Field by field: a spread with so many fields makes slow objects, and takes ten times as long.
const rowOf = (request: DownloadRequest): Row => {
  const { destination, id, onExists, timeout, url } = request
  const row: Row = { url, destination, timeout: millisOf(timeout), onExists }
  // The default, unless the URL has secrets.
  if (id !== url) {
    row.id = id
  }
  if (request.deadline !== undefined) {
    row.deadline = millisOf(request.deadline)
  }
  if (request.connectTimeout !== undefined) {
    row.connectTimeout = millisOf(request.connectTimeout)
  }
  if (request.headersTimeout !== undefined) {
    row.headersTimeout = millisOf(request.headersTimeout)
  }
  if (request.stall !== undefined) {
    row.stall = { bytes: numberText(request.stall.bytes), within: millisOf(request.stall.within) }
  }
  if (request.nameFrom !== undefined) {
    row.nameFrom = request.nameFrom
  }
  if (request.headers !== undefined) {
    row.headers = Record.map(request.headers, Redacted.value)
  }
  if (request.method !== undefined) {
    row.method = request.method
  }
  if (request.body !== undefined) {
    row.body = Encoding.encodeBase64(Redacted.value(request.body))
  }
  if (request.digest !== undefined) {
    row.digest = request.digest
  }
  if (request.digestAlgorithm !== undefined) {
    row.digestAlgorithm = request.digestAlgorithm
  }
  if (request.mirrors !== undefined) {
    row.mirrors = request.mirrors
  }
  if (request.sizeBytes !== undefined) {
    row.sizeBytes = numberText(request.sizeBytes)
  }
  if (request.limitBytes !== undefined) {
    row.limitBytes = numberText(request.limitBytes)
  }
  if (request.mediaType !== undefined) {
    row.mediaType = request.mediaType
  }
  if (request.resume !== undefined) {
    row.resume = request.resume
  }
  if (request.continue !== undefined) {
    row.continue = request.continue
  }
  return row
}

const requestOf = (row: Row): DownloadRequest => {
  const { destination, id, onExists = defaults.onExists, timeout, url } = row
  const fields: Fields = { id: id ?? url, url, destination, timeout: durationOf(timeout), onExists }
  if (row.deadline !== undefined) {
    fields.deadline = durationOf(row.deadline)
  }
  if (row.connectTimeout !== undefined) {
    fields.connectTimeout = durationOf(row.connectTimeout)
  }
  if (row.headersTimeout !== undefined) {
    fields.headersTimeout = durationOf(row.headersTimeout)
  }
  if (row.stall !== undefined) {
    fields.stall = { bytes: Number(row.stall.bytes), within: durationOf(row.stall.within) }
  }
  if (row.nameFrom !== undefined) {
    fields.nameFrom = row.nameFrom
  }
  if (row.headers !== undefined) {
    fields.headers = Record.map(row.headers, (value) => Redacted.make(value))
  }
  if (row.method !== undefined) {
    fields.method = row.method
  }
  if (row.body !== undefined) {
    fields.body = Redacted.make(Either.getOrThrow(Encoding.decodeBase64(row.body)))
  }
  if (row.digest !== undefined) {
    fields.digest = row.digest
  }
  if (row.digestAlgorithm !== undefined) {
    fields.digestAlgorithm = row.digestAlgorithm
  }
  if (row.mirrors !== undefined) {
    fields.mirrors = row.mirrors
  }
  if (row.sizeBytes !== undefined) {
    fields.sizeBytes = Number(row.sizeBytes)
  }
  if (row.limitBytes !== undefined) {
    fields.limitBytes = Number(row.limitBytes)
  }
  if (row.mediaType !== undefined) {
    fields.mediaType = row.mediaType
  }
  if (row.resume !== undefined) {
    fields.resume = row.resume
  }
  if (row.continue !== undefined) {
    fields.continue = row.continue
  }
  return Unvalidated.makeUntagged(DownloadRequest, fields)
}

// JSON has no syntax for Infinity and NaN.
const numberText = (value: number): number | string => (Number.isFinite(value) ? value : `${value}`)

const millisOf = (duration: Duration.Duration): number | string => numberText(Duration.toMillis(duration))

const durationOf = (millis: number | string | undefined): Duration.Duration => Duration.millis(Number(millis))
