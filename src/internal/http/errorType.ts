/**
 * The attribute `error.type` of OpenTelemetry: a text of few different values.
 */

/** The status of a response that is an error, or the class of the error. */
export const errorType = (error: { readonly _tag: string; readonly status?: unknown }): string =>
  error._tag === "HttpStatus" ? `${error.status}` : error._tag
