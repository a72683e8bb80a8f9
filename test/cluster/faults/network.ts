/**
 * Two network namespaces of Linux. Processes in them reach this process at one address, and each other by a cable that a test can cut.
 */
import { execFileSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface Place {
  /** Runs a command in the namespace. */
  readonly command: ReadonlyArray<string>
  /** The address that the other namespace reaches while the cable is whole. */
  readonly host: string
}

export interface Network {
  /** The address of this process for both. */
  readonly host: string
  readonly a: Place
  readonly b: Place
  /** Cuts the cable. No process learns of it. */
  readonly cut: Effect.Effect<void>
  readonly mend: Effect.Effect<void>
}

const ip = (...parameters: ReadonlyArray<string>): void => {
  execFileSync("ip", parameters, { stdio: ["ignore", "ignore", "pipe"] })
}

const names = () => {
  const name = `hal${randomBytes(3).toString("hex")}`
  return { a: `${name}a`, b: `${name}b` }
}

/** Why there are no namespaces on this machine. Undefined if there are. */
export const missing: string | undefined = (() => {
  const { a, b } = names()
  try {
    ip("netns", "add", a)
    try {
      ip("link", "add", a, "type", "veth", "peer", "name", b, "netns", a)
    } finally {
      ip("netns", "delete", a)
    }
    return undefined
  } catch {
    return "no network namespaces"
  }
})()

export const make: Effect.Effect<Network, never, Scope.Scope> = Effect.gen(function* () {
  const { a, b } = names()
  const [first = 0, second = 0] = randomBytes(2)
  const prefix = `10.${64 + (first % 128)}.${second}`
  const host = `${prefix}.1`
  const uplink = (name: string, outer: string, inner: string) => {
    ip("link", "add", name, "type", "veth", "peer", "name", "uplink", "netns", name)
    ip("address", "add", `${outer}/30`, "dev", name)
    ip("link", "set", name, "up")
    ip("-n", name, "address", "add", `${inner}/30`, "dev", "uplink")
    ip("-n", name, "link", "set", "uplink", "up")
    ip("-n", name, "link", "set", "lo", "up")
    ip("-n", name, "route", "add", "default", "via", outer)
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      ip("netns", "add", a)
      ip("netns", "add", b)
    }),
    () =>
      Effect.sync(() => {
        ip("netns", "delete", a)
        ip("netns", "delete", b)
      })
  )
  uplink(a, host, `${prefix}.2`)
  uplink(b, `${prefix}.5`, `${prefix}.6`)
  ip("-n", a, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", b)
  ip("-n", a, "address", "add", `${prefix}.9/30`, "dev", "cable")
  ip("-n", b, "address", "add", `${prefix}.10/30`, "dev", "cable")
  ip("-n", a, "link", "set", "cable", "up")
  ip("-n", b, "link", "set", "cable", "up")
  return {
    host,
    a: { command: ["ip", "netns", "exec", a], host: `${prefix}.9` },
    b: { command: ["ip", "netns", "exec", b], host: `${prefix}.10` },
    // Of the other end, the packets go nowhere.
    cut: Effect.sync(() => ip("-n", b, "link", "set", "cable", "down")),
    mend: Effect.sync(() => ip("-n", b, "link", "set", "cable", "up"))
  }
})
