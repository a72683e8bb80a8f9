/**
 * Says why a server cannot listen on an address.
 */
import * as Printable from "../../internal/text/printable.js"

/** Returns the reason of a failure to listen, without the address. */
export const listenProblem = (cause: unknown): string => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""
  return known[code] ?? (code === "" ? Printable.line(String(cause)) : code)
}

const known: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use",
  EACCES: "permission was denied",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "there is no such host"
}
