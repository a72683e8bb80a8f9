/**
 * What `get` does in place of options that curl, wget and aria2 have and it does not.
 */

const named = "a file has the name of its URL without an option"
const followed = "redirects are followed without an option"
const failing = "an HTTP error is a failure without an option"
const continued = "an interrupted download continues without an option"
const parallel = "files are downloaded in parallel, and -c N sets how many"

const habits: ReadonlyMap<string, string> = new Map([
  ["-O", named],
  ["--remote-name", named],
  ["--remote-name-all", named],
  ["-L", followed],
  ["--location", followed],
  ["-f", failing],
  ["--fail", failing],
  ["-C", continued],
  ["--continue-at", continued],
  ["-Z", parallel],
  ["--parallel", parallel],
  ["-j", parallel],
  ["--max-concurrent-downloads", parallel],
  ["--max-threads", parallel],
  ["-s", "--quiet prints failures only"],
  ["--silent", "--quiet prints failures only"],
  ["-P", "-d DIR saves in a directory"],
  ["--directory-prefix", "-d DIR saves in a directory"],
  ["--output-dir", "-d DIR saves in a directory"],
  ["-N", "--sync fetches what has changed"],
  ["--timestamping", "--sync fetches what has changed"],
  ["--no-clobber", "--on-exists skip keeps files"],
  ["-t", "--retries N sets the number of retries"],
  ["--tries", "--retries N sets the number of retries"],
  ["--retry", "--retries N sets the number of retries"],
  ["--split", "--segments N sets the connections for one file"],
  ["--max-connection-per-server", "--per-origin N sets the transfers from one origin"]
])

/** Adds to the rule about an unknown option what `get` does instead. */
export const explained = (rule: string): string => {
  const [, name = ""] = /^unknown option '(--[a-z-]+|-[A-Za-z])[^']*'/.exec(rule) ?? []
  const instead = habits.get(name)
  return instead === undefined ? rule : `unknown option '${name}'; ${instead}`
}
