/**
 * The schemas of the errors in the lines.
 */
import * as Schema from "effect/Schema"
import * as DownloadError from "../DownloadError.js"

const withMessage = <A, I, R>(error: Schema.Schema<A, I, R>, identifier: string) =>
  Schema.extend(
    Schema.encodedSchema(error),
    Schema.Struct({ message: Schema.String.annotations({ description: "The error as a sentence." }) })
  ).annotations({
    identifier
  })

/**
 * An error: its fields, and its message. They have no secrets, except for `url` if the run has `--show-urls`. `Disk` has the whole path.
 *
 * @category schemas
 * @since 0.2.0
 */
export const ErrorFields = Schema.Union(
  withMessage(DownloadError.Timeout, "Timeout"),
  withMessage(DownloadError.HttpStatus, "HttpStatus"),
  withMessage(DownloadError.Connection, "Connection"),
  withMessage(DownloadError.Truncated, "Truncated"),
  withMessage(DownloadError.Protocol, "Protocol"),
  withMessage(DownloadError.TooLarge, "TooLarge"),
  withMessage(DownloadError.Mismatch, "Mismatch"),
  withMessage(DownloadError.AddressRefused, "AddressRefused"),
  withMessage(DownloadError.InvalidRequest, "InvalidRequest"),
  withMessage(DownloadError.Disk, "Disk")
).annotations({ identifier: "Error", description: "Why a transfer or an attempt failed." })
