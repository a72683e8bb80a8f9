/**
 * The attribute `http.request.method` of OpenTelemetry: a text of few different values.
 */

/** The method, or `_OTHER` if the conventions do not know it. */
export const methodAttribute = (method: string): string => (methods.has(method) ? method : "_OTHER")

/** The methods that the conventions know (RFC 9110, RFC 5789). */
const methods: ReadonlySet<string> = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "TRACE"
])
