/**
 * Reads the digests in a response: `Repr-Digest` and `Content-Digest` (RFC 9530), and the older `Digest` (RFC 3230).
 *
 * A field that cannot be read is ignored, and so are algorithms other than sha-256 and sha-512.
 */
import * as Digest from "../digest.js"
import * as Validator from "./validator.js"

interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
}

/**
 * Returns the strongest digest of the whole representation. The content of a 200 response is the whole representation, also if the
 * rest of it comes in other responses. With 203 a proxy has changed the content, and the digests may be those of the original.
 */
export const ofRepresentation = ({ headers, status }: Head): Digest.Expected | undefined => {
  if (status === 203) {
    return undefined
  }
  return (
    strongest(headers["repr-digest"]) ??
    (status === 200 ? strongest(headers["content-digest"]) : undefined) ??
    // Servers disagree whether this is the digest before or after a content coding.
    (headers["digest"] !== undefined && Validator.contentCodings(headers) === ""
      ? strongest(headers["digest"])
      : undefined)
  )
}

/** Returns the strongest digest of the range in a 206 response. */
export const ofRange = ({ headers, status }: Head): Digest.Expected | undefined =>
  status === 206 ? strongest(headers["content-digest"]) : undefined

const strongest = (field: string | undefined): Digest.Expected | undefined => {
  if (field === undefined) {
    return undefined
  }
  const found = field.split(",").flatMap((member) => {
    const digest = parse(member)
    return digest === undefined ? [] : [digest]
  })
  return found.find(({ algorithm }) => algorithm === "sha512") ?? found[0]
}

/** A member of the field: `sha-256=:BASE64:`, and without colons in `Digest`. */
const parse = (member: string): Digest.Expected | undefined => {
  const separator = member.indexOf("=")
  const name = member.slice(0, Math.max(0, separator)).trim().toLowerCase()
  const value = (member.slice(separator + 1).split(";", 1)[0] ?? "").trim()
  const base64 = value.startsWith(":") && value.endsWith(":") ? value.slice(1, -1) : value
  return name === "sha-256" || name === "sha-512" ? Digest.parse(`${name.replace("-", "")}-${base64}`) : undefined
}
