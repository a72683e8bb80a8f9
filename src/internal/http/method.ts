/**
 * The properties of request methods (RFC 9110 §9.2, and the registry of IANA).
 */

const safe: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PROPFIND", "QUERY", "REPORT", "SEARCH", "TRACE"])

const idempotent: ReadonlySet<string> = new Set([...safe, "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "PROPPATCH"])

// HEAD has no content, CONNECT opens a tunnel, and the response to TRACE is the request itself, with its secrets.
const refused: ReadonlySet<string> = new Set(["CONNECT", "HEAD", "TRACE"])

/** True if the method only reads. */
export const isSafe = (method: string): boolean => safe.has(method)

/** True if several equal requests have the same effect as one, so a request may be sent again. */
export const isIdempotent = (method = "GET"): boolean => idempotent.has(method)

/** Returns why a download cannot have this method. Methods are case-sensitive, and the registered ones have capital letters. */
export const problem = (method: string): string | undefined =>
  !/^[A-Z][A-Z0-9-]{0,63}$/.test(method)
    ? "the method must be a word in capital letters, such as POST"
    : refused.has(method)
      ? `the response to ${method} has no content to save`
      : undefined
