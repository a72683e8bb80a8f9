/**
 * The certificates that a system trusts, as PEM texts.
 *
 * @internal
 */
import { readdirSync, readFileSync } from "node:fs"
import { delimiter, join } from "node:path"
import * as tls from "node:tls"

// Debian and Alpine, Fedora and RHEL, openSUSE, other Linux, macOS and the BSDs.
const bundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
  "/usr/local/share/certs/ca-root-nss.crt"
]

/** Trusted certificates. */
export interface Trust {
  /** Undefined: those of Node. */
  readonly ca: ReadonlyArray<string> | undefined
  /** A file or directory that could not be read. */
  readonly problem: string | undefined
}

export interface Environment {
  readonly certFile: string | undefined
  readonly certDirectory: string | undefined
  readonly extraCerts: string | undefined
}

/** The certificates of Node, those of the system, and those of the environment variables that OpenSSL and Node read. */
export const systemTrust = ({ certDirectory, certFile, extraCerts }: Environment): Trust => {
  const problems: Array<string> = []
  const read = (path: string, variable: string): ReadonlyArray<string> => {
    try {
      return certificatesIn(readFileSync(path, "utf8"))
    } catch {
      problems.push(`the file of ${variable} cannot be read`)
      return []
    }
  }
  const found = [
    ...(certFile === undefined ? ofSystem() : read(certFile, "SSL_CERT_FILE")),
    ...(extraCerts === undefined ? [] : read(extraCerts, "NODE_EXTRA_CA_CERTS")),
    ...(certDirectory === undefined ? [] : inDirectories(certDirectory))
  ]
  const known = new Set(tls.rootCertificates.map(withoutBlanks))
  const more = new Map(found.map((text) => [withoutBlanks(text), text] as const))
  for (const text of known) {
    more.delete(text)
  }
  return { ca: more.size === 0 ? undefined : [...tls.rootCertificates, ...more.values()], problem: problems[0] }
}

/** The certificates in a PEM text. */
export const certificatesIn = (text: string): ReadonlyArray<string> =>
  text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []

const withoutBlanks = (text: string): string => text.replace(/\s+/g, "")

const ofSystem = (): ReadonlyArray<string> => {
  // Since Node 22.15. It also reads the certificates of macOS and Windows.
  const get: unknown = Reflect.get(tls, "getCACertificates")
  const found: unknown = typeof get === "function" ? get("system") : undefined
  if (Array.isArray(found) && found.length > 0) {
    return found.filter((text) => typeof text === "string")
  }
  for (const path of bundles) {
    try {
      return certificatesIn(readFileSync(path, "utf8"))
    } catch {
      // Another system.
    }
  }
  return []
}

/** The files that OpenSSL would find: their names are the hash of a subject and a number. */
const inDirectories = (list: string): ReadonlyArray<string> =>
  list.split(delimiter).flatMap((directory) => {
    try {
      return readdirSync(directory)
        .filter((name) => /^[\da-f]{8}\.\d+$/.test(name))
        .flatMap((name) => certificatesIn(readFileSync(join(directory, name), "utf8")))
    } catch {
      return []
    }
  })
