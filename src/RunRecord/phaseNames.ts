/**
 * The names of the phases for people.
 */
import type { Phase } from "./data.js"

export const phaseNames: { readonly [phase in Phase]: string } = {
  permit: "wait for a permit",
  lookup: "name look-up",
  connect: "connect",
  tls: "TLS",
  firstByte: "first byte",
  body: "body",
  delay: "wait before a retry",
  finish: "check and publish"
}
