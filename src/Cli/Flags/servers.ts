/**
 * The origins of `halyard flags`: embedded servers, and the site of the book.
 */
import type * as FlagServer from "../../FlagServer.js"

export const servers = ["DELAY", "ERROR", "LOCAL", "REMOTE"] as const

export type Server = (typeof servers)[number]

export const remoteBaseUrl: string = "https://www.fluentpython.com/data/flags"

const slow = { min: "500 millis", max: "5 seconds" } as const

/** The options of the embedded server for each label. */
export const embedded: {
  readonly [label in Exclude<Server, "REMOTE">]: Pick<FlagServer.Options, "delay" | "errorRate">
} = {
  LOCAL: {},
  DELAY: { delay: slow },
  ERROR: { delay: slow, errorRate: 0.25 }
}
