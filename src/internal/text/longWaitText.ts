/**
 * Why a transfer waits, for a permit or for another reason, for people.
 */
import { displayTime } from "./displayTime.js"
import * as Printable from "./printable.js"

export interface LongWaitText {
  readonly origin: string
  readonly obstacle:
    | "origin"
    | "overload"
    | "pause"
    | "rate"
    | "concurrency"
    | "unreachable"
    | "descriptor"
    | "pipeline"
    | "destination"
    | "disk"
  readonly limit?: number | undefined
  /** The time until the end of a pause. */
  readonly remainingMillis?: number | undefined
}

/** Whether the origin has a part in a wait. Waits for one of the other reasons are the same for all origins. */
export const isOfOrigin = (obstacle: LongWaitText["obstacle"]): boolean =>
  obstacle !== "concurrency" && obstacle !== "descriptor" && obstacle !== "destination" && obstacle !== "disk"

/** The text of a row, and a shorter one. */
export const longWaitTexts = (wait: LongWaitText): readonly [string, string] => {
  const host = hostOf(wait.origin)
  switch (wait.obstacle) {
    case "origin":
      return [
        `waiting for a free connection to ${host}${limitOf(wait, "at a time")}`,
        `waiting for ${host}${limitOf(wait, "at a time")}`
      ]
    case "overload":
      return [
        `waiting for a free connection to ${host}${limitOf(wait, "at a time, because it is overloaded")}`,
        `waiting for ${host}${wait.limit === undefined ? "" : ` (overloaded: ${wait.limit} at a time)`}`
      ]
    case "pause": {
      const left = wait.remainingMillis === undefined ? "" : `${displayTime(wait.remainingMillis)}: `
      return [`waiting ${left}${host} has asked for a pause`, `waiting ${left}${host}`]
    }
    case "rate":
      return ["waiting, because the rate of requests is limited", "waiting: the rate is limited"]
    case "concurrency":
      return [`waiting for a free connection${limitOf(wait, "at a time")}`, `waiting${limitOf(wait, "at a time")}`]
    case "unreachable":
      return [`waiting: ${host} has not answered, and another file tries it first`, `waiting: no answer of ${host}`]
    case "descriptor":
      return ["waiting for a connection: too many files are open", "waiting: too many open files"]
    case "pipeline":
      return [`waiting for earlier responses on a connection to ${host}`, `waiting for ${host}`]
    case "destination":
      return ["waiting for another download to the same file", "waiting for the same file"]
    case "disk":
      return ["received; waiting for the disk", "waiting for the disk"]
  }
}

/** The sentence of a wait that is over. */
export const longWaitSentence = (wait: LongWaitText): string => {
  const host = hostOf(wait.origin)
  switch (wait.obstacle) {
    case "origin":
      return `${host} had as many requests as its limit allows${limitOf(wait, "at a time")}`
    case "overload":
      return `${host} was overloaded, so its limit was lowered${limitOf(wait, "at a time")}`
    case "pause":
      return `${host} had asked for a pause`
    case "rate":
      return "the rate of requests was limited"
    case "concurrency":
      return `the run had as many requests as its limit allows${limitOf(wait, "at a time")}`
    case "unreachable":
      return `${host} had not answered, and another file tried it first`
    case "descriptor":
      return "too many files were open for another connection"
    case "pipeline":
      return `${host} had not answered the requests before them on their connections`
    case "destination":
      return "another download to the same file had not ended"
    case "disk":
      return "the disk had not written their content"
  }
}

const limitOf = ({ limit }: LongWaitText, what: string): string => (limit === undefined ? "" : ` (${limit} ${what})`)

const hostOf = (origin: string): string => Printable.line(origin.replace(/^https?:\/\//, ""))
