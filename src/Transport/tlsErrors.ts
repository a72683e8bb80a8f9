/**
 * Explains why TLS could not be established, by the codes of OpenSSL and Node.
 *
 * @internal
 */

const issuer = "the issuer of the certificate is not trusted, or the server does not send the certificate of the issuer"

const noTls = "the port does not speak TLS"
const clientCertificate = "the server asks for a certificate of the client"

const explanations: ReadonlyArray<readonly [RegExp, string]> = [
  [/^CERT_HAS_EXPIRED/, "the certificate has expired"],
  [/^CERT_NOT_YET_VALID/, "the certificate is not valid yet, or the clock of this machine is wrong"],
  [/^DEPTH_ZERO_SELF_SIGNED/, "the certificate is self-signed"],
  [/^SELF_SIGNED_CERT_IN_CHAIN/, "the authority that issued the certificate is not trusted"],
  [/^UNABLE_TO_(?:GET_ISSUER|VERIFY_LEAF)/, issuer],
  [/^CERT_REVOKED/, "the certificate is revoked"],
  [
    /^(?:CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|CERT_REJECTED|INVALID_CA|INVALID_PURPOSE)/,
    "the certificate is not valid"
  ],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|RECORD_LAYER_FAILURE/, noTls],
  [
    /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE/,
    "the server offers no version of TLS that is allowed"
  ],
  [/CERTIFICATE_REQUIRED/, clientCertificate],
  [/UNRECOGNIZED_NAME/, "the server does not know this host name"],
  [
    /ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|ACCESS_DENIED)/,
    "the server refuses the certificate of the client"
  ],
  [
    /HANDSHAKE_FAILURE|INSUFFICIENT_SECURITY|NO_SHARED_CIPHER/,
    "the server accepts none of the offered parameters, or asks for a certificate of the client"
  ],
  [/KEY_TOO_SMALL|MD_TOO_WEAK|CA_KEY_TOO_SMALL/, "the key or the digest of the certificate is too weak"]
]

/** Whether the explanation says that the server has no TLS at this port. */
export const isWithoutTls = (explained: string): boolean => explained.includes(noTls)

/** Whether the explanation says that the server wants a certificate of the client. */
export const wantsCertificate = (explained: string): boolean => explained.includes(clientCertificate)

/** The code with its explanation, if there is one. `text` is the message of the error. */
export const explain = (code: string, text: string): string => {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID" || code === "HOSTNAME_MISMATCH") {
    const [, names] = /altnames?: ((?:DNS|IP Address):.*)$/.exec(text) ?? []
    const shown = names?.replaceAll(/(?:DNS|IP Address):/g, "")
    return `${code}: the certificate is for ${shown === undefined ? "other hosts" : shown}`
  }
  // The error of a system call has the reason in its text.
  const [, reason = ""] = /SSL routines:[^:]*:([^:]+)/.exec(text) ?? []
  const key = code === "EPROTO" ? reason.toUpperCase().replaceAll(" ", "_") : code
  const found = explanations.find(([pattern]) => pattern.test(key))
  return found === undefined ? code : `${code}: ${found[1]}`
}
