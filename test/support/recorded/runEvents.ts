/**
 * Events of a run, for the tests of what is shown of it.
 */
import * as Download from "../../../src/Download.js"
import { HttpStatus } from "../../../src/DownloadError.js"
import { Advanced, Blocked, Finished, type Obstacle, Retrying, Started, Unblocked } from "../../../src/DownloadEvent.js"

const requests = new Map<string, Download.DownloadRequest>()

/** The one request for a name. */
export const requestOf = (name: string): Download.DownloadRequest => {
  const found = requests.get(name) ?? Download.request({ url: `http://origin.test/${name}`, destination: name })
  requests.set(name, found)
  return found
}

const refusal = (name: string) => new HttpStatus({ url: `http://origin.test/${name}`, status: 503 })

export const started = (name: string) => new Started({ request: requestOf(name), atMillis: 0 })

export const advanced = (name: string, bytes: number, totalBytes?: number, connections = 1) =>
  new Advanced({ request: requestOf(name), atMillis: 0, bytes, totalBytes, connections })

export const retrying = (name: string, delayMillis: number, attempt = 1) =>
  new Retrying({ request: requestOf(name), atMillis: 0, error: refusal(name), attempt, delayMillis })

/** `atMillis` orders the events of several transfers. */
export const blocked = (
  name: string,
  obstacle: Obstacle,
  options?: {
    readonly limit?: number
    readonly pauseMillis?: number
    readonly atMillis?: number
    readonly origin?: string
  }
) =>
  new Blocked({
    request: requestOf(name),
    atMillis: 0,
    origin: "http://origin.test",
    obstacle,
    waitedMillis: 1000,
    ...options
  })

export const unblocked = (name: string) =>
  new Unblocked({ request: requestOf(name), atMillis: 0, origin: "http://origin.test", waitedMillis: 2000 })

/** 206 is the status of a file of which an earlier process had received a part. */
export const saved = (name: string, bytes: number, status: 200 | 206 = 200) => {
  const request = requestOf(name)
  const rest = { destination: name, verified: "length", attempts: 1, url: request.url } as const
  return new Finished({ atMillis: 0, outcome: new Download.Saved({ request, bytes, status, ...rest }) })
}

export const failed = (name: string) =>
  new Finished({ atMillis: 0, outcome: new Download.Failed({ request: requestOf(name), error: refusal(name) }) })

export const cancelled = (name: string) =>
  new Finished({ atMillis: 0, outcome: new Download.Cancelled({ request: requestOf(name) }) })
