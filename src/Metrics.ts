/**
 * Metrics of downloads, for `effect/Metric`: outcomes, bytes, times, and the limits of origins.
 *
 * The layer is a `Progress` that counts events and passes them on. A program that does not provide it has no metrics, and no cost for
 * them. Names, units and attributes follow the conventions of OpenTelemetry. The unit of a metric is its tag `unit`.
 *
 * A run does not wait for its listener. So the metrics may be behind the run by the events that the listener has not received yet.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { DownloadOutcome, DownloadRequest } from "./Download.js"
import type { DownloadEvent, Exchanged, Finished } from "./DownloadEvent.js"
import { errorType } from "./internal/http/errorType.js"
import { methodAttribute } from "./internal/http/methodAttribute.js"
import * as NormalizedUrl from "./internal/text/normalizedUrl.js"
import {
  active,
  type Counter,
  durations,
  firstByte,
  type Histogram,
  limits,
  type OriginTags,
  outcomes,
  permits,
  permitWait,
  received,
  requests,
  retries
} from "./Metrics/series.js"
import { OriginGovernor } from "./OriginGovernor.js"
import { Progress } from "./Progress.js"

export {
  active,
  durations,
  firstByte,
  limits,
  type OriginTags,
  type OutcomeTags,
  outcomes,
  permits,
  permitWait,
  type RequestTags,
  type RetryTags,
  received,
  requests,
  retries
} from "./Metrics/series.js"

/**
 * The options of the metrics.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  /** The number of origins that have metrics of their own, at least 1. The others share the address `other`. Default: 20. */
  readonly originsAtMost?: number | undefined
}

/**
 * A `Progress` that counts events, and then passes them on to the `Progress` in its context, if there is one. The metrics of origins
 * with their limits need the `OriginGovernor` of the downloader in the context.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerWith = ({ originsAtMost = 20 }: Options): Layer.Layer<Progress> =>
  Layer.effect(
    Progress,
    Effect.map(Effect.zip(Progress, Effect.serviceOption(OriginGovernor)), ([progress, governor]) => {
      const counts = new Counts(originsAtMost, Option.getOrUndefined(governor))
      return {
        event: (event) => {
          counts.receive(event)
          return progress.event(event)
        }
      }
    })
  )

/**
 * A `Progress` that counts events, with the default options.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer: Layer.Layer<Progress> = layerWith({})

/** The metrics of one origin. */
class OriginSeries {
  readonly received
  readonly permitWait
  readonly firstByte
  readonly permits
  readonly limits
  private readonly tags: OriginTags
  private readonly durations = new Map<string, Histogram>()

  /** `origin`: undefined for the origins that have no metrics of their own. */
  constructor(readonly origin: string | undefined) {
    const tags = tagsOf(origin)
    this.tags = tags
    this.received = received(tags)
    this.permitWait = permitWait(tags)
    this.firstByte = firstByte(tags)
    this.permits = permits(tags)
    this.limits = limits(tags)
  }

  duration({ error, method, status }: Exchanged): Histogram {
    const type = error === undefined ? "" : errorType(error)
    const known = methodAttribute(method)
    const key = `${known} ${status} ${type}`
    const series = this.durations.get(key)
    if (series !== undefined) {
      return series
    }
    const made = requests({
      ...this.tags,
      "http.request.method": known,
      ...(status === undefined ? {} : { "http.response.status_code": `${status}` }),
      ...(type === "" ? {} : { "error.type": type })
    })
    this.durations.set(key, made)
    return made
  }
}

class Counts {
  private readonly started = new Map<DownloadRequest, Array<number>>()
  private inFlight = 0
  private readonly outcomes = new Map<string, { readonly count: Counter; readonly seconds: Histogram }>()
  private readonly retries = new Map<string, Counter>()
  private readonly origins = new Map<string, OriginSeries>()
  private readonly others = new OriginSeries(undefined)

  constructor(
    private readonly originsAtMost: number,
    private readonly governor: typeof OriginGovernor.Service | undefined
  ) {}

  receive(event: DownloadEvent): void {
    switch (event._tag) {
      case "Started":
        this.inFlight++
        active.unsafeUpdate(1, [])
        this.started.set(event.request, [...(this.started.get(event.request) ?? []), event.atMillis])
        break
      case "Exchanged":
        if (event.isShared !== true) {
          this.exchanged(event)
        }
        break
      case "Retrying":
        this.retry(errorType(event.error)).unsafeUpdate(1, [])
        break
      case "Finished":
        this.finished(event)
        break
    }
  }

  private exchanged(event: Exchanged): void {
    const { atMillis, beganAtMillis, permitMillis, bytes, url, firstByteMillis } = event
    const series = this.seriesOf(url)
    series.received.unsafeUpdate(bytes, [])
    series.permitWait.unsafeUpdate(permitMillis / 1000, [])
    series.duration(event).unsafeUpdate((atMillis - beganAtMillis - permitMillis) / 1000, [])
    if (firstByteMillis !== undefined) {
      series.firstByte.unsafeUpdate(firstByteMillis / 1000, [])
    }
    this.updateOrigin(series)
  }

  private finished({ atMillis, outcome }: Finished): void {
    const { _tag, request } = outcome
    const type = _tag === "Failed" ? errorType(outcome.error) : ""
    const series = this.outcome(_tag, type)
    series.count.unsafeUpdate(1, [])
    const times = this.started.get(request) ?? []
    const startedAt = times.shift()
    // A request that was cancelled before its transfer began has no start.
    if (startedAt !== undefined) {
      this.inFlight--
      active.unsafeUpdate(-1, [])
      series.seconds.unsafeUpdate((atMillis - startedAt) / 1000, [])
    }
    if (times.length === 0) {
      this.started.delete(request)
    }
    if (this.inFlight === 0) {
      for (const one of this.origins.values()) {
        this.updateOrigin(one)
      }
    }
  }

  private outcome(tag: DownloadOutcome["_tag"], type: string) {
    const key = `${tag} ${type}`
    const known = this.outcomes.get(key)
    if (known !== undefined) {
      return known
    }
    const tags = { "halyard.outcome": tag, ...(type === "" ? {} : { "error.type": type }) }
    const made = { count: outcomes(tags), seconds: durations(tags) }
    this.outcomes.set(key, made)
    return made
  }

  private retry(type: string): Counter {
    const known = this.retries.get(type)
    if (known !== undefined) {
      return known
    }
    const made = retries({ "error.type": type })
    this.retries.set(type, made)
    return made
  }

  private seriesOf(url: string): OriginSeries {
    const origin = NormalizedUrl.originOf(url) ?? (URL.canParse(url) ? new URL(url).origin : "")
    const known = this.origins.get(origin)
    if (known !== undefined || this.origins.size >= this.originsAtMost) {
      return known ?? this.others
    }
    const made = new OriginSeries(origin)
    this.origins.set(origin, made)
    return made
  }

  private updateOrigin({ limits, origin, permits }: OriginSeries): void {
    const state = origin === undefined ? undefined : this.governor?.inUse(origin)
    if (state !== undefined) {
      permits.unsafeUpdate(state.permits, [])
      if (state.limit !== Number.POSITIVE_INFINITY) {
        limits.unsafeUpdate(state.limit, [])
      }
    }
  }
}

const tagsOf = (origin: string | undefined): OriginTags => {
  if (origin === undefined || !URL.canParse(origin)) {
    return { "server.address": "other" }
  }
  const { hostname, port, protocol } = new URL(origin)
  return { "server.address": hostname, "server.port": port || (protocol === "https:" ? "443" : "80") }
}
