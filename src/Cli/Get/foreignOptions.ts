/**
 * What `get` does in place of options that curl, wget and aria2 have and it does not.
 */

const named = "a file has the name of its URL without an option"
const followed = "redirects are followed without an option"
const failing = "an HTTP error is a failure without an option"
const continued = "an interrupted download continues without an option"
const progress = "a terminal shows the progress without an option"
const parallel = "files are downloaded in parallel, and -c N sets how many"

const replacements: ReadonlyMap<string, string> = new Map([
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
  ["--max-tries", "--retries N sets the number of retries"],
  ["--retry-delay", "the time between retries grows, and Retry-After is obeyed"],
  ["--retry-wait", "the time between retries grows, and Retry-After is obeyed"],
  ["--waitretry", "the time between retries grows, and Retry-After is obeyed"],
  ["--retry-all-errors", "errors that may pass are retried without an option"],
  ["-#", progress],
  ["--progress-bar", progress],
  ["--progress", progress],
  ["--show-progress", progress],
  ["--no-progress-meter", "--quiet prints failures only"],
  ["-S", "failures are printed without an option"],
  ["--show-error", "failures are printed without an option"],
  ["-sS", "--quiet prints failures only"],
  ["--compressed", "the file is asked for as it is"],
  ["--http1.1", "HTTP/1.1 is used without an option"],
  ["--http2", "HTTP/1.1 is used"],
  ["--http3", "HTTP/1.1 is used"],
  ["-w", "--json prints the outcome of each file"],
  ["--write-out", "--json prints the outcome of each file"],
  ["--content-disposition", "-J uses the names of the server"],
  ["--trust-server-names", "-J uses the names of the server"],
  ["--create-dirs", "directories are created without an option"],
  ["-R", "the time of a file is the server's without an option"],
  ["--remote-time", "the time of a file is the server's without an option"],
  ["--allow-overwrite", "--on-exists overwrite replaces files"],
  ["--auto-file-renaming", "--on-exists unique gives new files a number"],
  ["--conditional-get", "--sync fetches what has changed"],
  ["--save-session", "--failed FILE writes a list of what failed"],
  ["--spider", "--dry-run says what would be done"],
  ["--socks5", "--proxy socks5://HOST:PORT sets the proxy"],
  ["--socks5-hostname", "--proxy socks5h://HOST:PORT sets the proxy"],
  ["--http-proxy", "--proxy URL sets the proxy"],
  ["--https-proxy", "--proxy URL sets the proxy"],
  ["--bind-address", "--interface ADDRESS sets the address of this machine"],
  ["--oauth2-bearer", "-H @FILE sends a header of a file"],
  ["--digest", "credentials are sent with Basic only"],
  ["--ntlm", "credentials are sent with Basic only"],
  ["--negotiate", "credentials are sent with Basic only"],
  ["-nc", "--on-exists skip keeps files"],
  ["-r", "links inside pages are not followed"],
  ["--recursive", "links inside pages are not followed"],
  ["-T", "--timeout SECONDS limits an attempt, and --max-time SECONDS all attempts"],
  ["-m", "--max-time SECONDS limits all attempts"],
  ["-I", "-X HEAD sends a HEAD request, and -v prints the headers"],
  ["--head", "-X HEAD sends a HEAD request, and -v prints the headers"],
  ["-E", "--cert FILE gives a certificate"],
  ["-U", "-A TEXT sets the User-Agent"],
  ["-F", "--data DATA sends content, and files are not uploaded"],
  ["--form", "--data DATA sends content, and files are not uploaded"],
  ["--upload-file", "files are not uploaded"],
  ["--load-cookies", "-b FILE sends the cookies of a file"],
  ["--save-cookies", "--cookie-jar FILE writes cookies"],
  ["--http-user", "-u USER asks for the password"],
  ["--http-passwd", "-u USER asks for the password"],
  ["--all-proxy", "--proxy URL sets the proxy"],
  ["--check-certificate", "--insecure accepts any certificate"],
  ["--no-check-certificate", "--insecure accepts any certificate"],
  ["--ca-certificate", "--cacert FILE sets the trusted certificates"],
  ["--max-redirs", "at most 20 redirects are followed"],
  ["--wait", "--rate N/UNIT limits the requests"],
  ["--max-download-limit", "--limit-rate SIZE limits the bytes per second"],
  ["--max-overall-download-limit", "--limit-rate SIZE limits the bytes per second"],
  ["--input-file", "-i FILE reads a list"],
  ["--out", "-o FILE names the file"],
  ["--dir", "-d DIR saves in a directory"],
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
  const [, given = "", name = ""] = /^unknown option '((--[a-z][a-z\d.-]*|-[A-Za-z#])[^']*)'/.exec(rule) ?? []
  const known = replacements.has(given) ? given : name
  const instead = replacements.get(known)
  return instead === undefined ? rule : `unknown option '${known}'; ${instead}`
}

/** Why an argument does not mean here what it means for curl, wget and aria2, although `get` has options of these letters. */
export const misread = (argv: ReadonlyArray<string>): string | undefined => {
  const end = argv.indexOf("--")
  for (const [index, token] of argv.slice(0, end < 0 ? argv.length : end).entries()) {
    const next = argv[index + 1] ?? ""
    if (/^-x\d+$/.test(token) || (token === "-x" && /^\d+$/.test(next))) {
      return "-x saves files by host and path, and takes no number; --segments N sets the connections for one file"
    }
    if (/^-k\d/.test(token)) {
      return "-k accepts any certificate, and takes no value; a large file is divided without an option"
    }
    if (token === "-c" && isUrl(next)) {
      return "-c N sets the number of transfers; an interrupted download continues without an option"
    }
    if (token === "-x" && /^socks/i.test(next)) {
      return "-x saves files by host and path; --proxy URL sets the proxy"
    }
  }
  return undefined
}

const isUrl = (text: string): boolean => /^https?:/i.test(text)
