/**
 * The promises of this package, as checks of a simulated run: at every request, every operation on a final name, every event, and
 * at the end.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import type * as Download from "../../src/Download.js"
import type { DownloadEvent, Retrying } from "../../src/DownloadEvent.js"
import type * as Disk from "../../src/testing/Disk.js"
import type * as Origin from "../../src/testing/Origin.js"
import { FileChecks } from "./fileChecks.js"
import { KeptChecks } from "./keptChecks.js"
import type { Life } from "./Life.js"
import * as Scenario from "./Scenario.js"
import { keepsParts } from "./subject.js"

const secret = "s3cret"

// More attempts than the retry policy of a simulated downloader allows without progress.
const mostDrips = 100

/** A header for this origin. No other origin and no event may contain it. */
export const secretFor = (origin: string): string => `${secret} ${origin}`

/** `on…` checks the promises while the run goes on, and `check…` checks what it leaves. */
export class Promises {
  private readonly outcomes = new Map<string, Download.DownloadOutcome>()
  /** The time of each request's `Started`. */
  private readonly started = new Map<string, number>()
  private readonly retries = new Map<string, number>()
  /** Mirrors by the requests whose segments they no longer bring, or whose URL they have replaced. */
  private readonly mirrors = new Set<string>()
  // The times between which an origin has asked for no requests.
  private readonly closedUntil = new Map<string, { readonly from: number; readonly until: number }>()
  // Origins that cannot be reached and have never answered: the time of the failure, and the requests in flight at that time.
  private readonly failed = new Map<string, { readonly at: number; open: number | undefined }>()
  private readonly answered = new Set<string>()
  private readonly files: FileChecks
  private readonly kept: KeptChecks

  constructor(private readonly life: Life) {
    this.files = new FileChecks(life, this.outcomes)
    this.kept = new KeptChecks(life, this.outcomes)
  }

  onRequest(request: Origin.Request, job: Scenario.Job, isTwin: boolean): void {
    const { isSecondLife, world } = this.life
    const { origin, protocol } = new URL(request.url)
    const closed = this.closedUntil.get(origin)
    const isAlone = this.life.scenario.lives?.twin === undefined
    this.kept.onRequest(request, job)
    if (!isSecondLife && isAlone && closed !== undefined && world.now() > closed.from && world.now() < closed.until) {
      this.life.violate(`${origin} asked for no request until ${closed.until}, and received one`)
    }
    if (isAlone) {
      this.checkProbe(origin)
    }
    const told = request.headers["x-secret"]
    if (told !== undefined && told !== secretFor(origin)) {
      this.life.violate(`${origin} received the header of another origin: ${told}`)
    }
    if (request.headers["accept-encoding"] !== "identity") {
      this.life.violate("a request allows a content coding")
    }
    if (protocol !== "http:" && protocol !== "https:") {
      this.life.violate(`a request for ${protocol} was made`)
    }
    if (job.isDripping && !isTwin && request.turn > mostDrips) {
      this.life.violate(`${request.url} was requested ${request.turn} times, and sent one byte each time`)
    }
    const ifRange = request.headers["if-range"]
    const isProvedByDigest = job.hasDigest && origin !== job.origin && job.mirrors.length > 0
    const isUnguarded = request.headers["range"] !== undefined && ifRange === undefined && !isProvedByDigest
    if (isUnguarded && job.validator === "strong") {
      this.life.violate("a range was requested without the validator that the origin sent")
    }
    if (ifRange?.startsWith("W/") === true) {
      this.life.violate("If-Range has a weak validator")
    }
  }

  onReply(request: Origin.Request, reply: Origin.Reply): void {
    const { origin } = new URL(request.url)
    const nowMillis = this.life.world.now()
    if (reply.instead === undefined) {
      this.answered.add(origin)
    } else if (reply.instead !== "silence" && !this.failed.has(origin)) {
      this.failed.set(origin, { at: nowMillis, open: undefined })
    }
    const firstByteMillis = askedToWait(reply, nowMillis)
    if (firstByteMillis > 0) {
      const before = this.closedUntil.get(origin)
      const until = nowMillis + firstByteMillis
      if (before === undefined || before.until < until) {
        this.closedUntil.set(origin, { from: nowMillis, until })
      }
    }
  }

  onOperation(operation: Disk.Operation): void {
    const isPromised = !this.life.isSecondLife || this.files.holdsAfterCrash()
    for (const job of isPromised ? this.life.scenario.jobs : []) {
      if (operation.to === job.destination || operation.path === job.destination) {
        this.files.checkName(job, "during the run")
      }
    }
  }

  onEvent(event: DownloadEvent): void {
    const request = event._tag === "Finished" ? event.outcome.request : event.request
    if (JSON.stringify(event).includes(secret)) {
      this.life.violate(`${event._tag} shows a secret`)
    }
    if (event._tag === "Started") {
      this.started.set(request.id, this.life.world.now())
    }
    if (event._tag === "Retrying") {
      this.retries.set(request.id, (this.retries.get(request.id) ?? 0) + 1)
      this.checkDigest(event)
      this.mirrors.add(`${request.id} ${event.mirror} alone`)
    }
    if (event._tag === "MirrorGivenUp") {
      this.onMirror(`${request.id} ${event.mirror}`, request.url === event.mirror)
    }
    if (event._tag === "Exchanged" && event.error?._tag === "Timeout" && event.error.phase === "headers") {
      // The origin accepts connections, and one URL may be the cause of its silence.
      this.failed.delete(new URL(event.url).origin)
    }
    if (event._tag === "Finished") {
      if (this.outcomes.has(request.id)) {
        this.life.violate(`${request.id} has two outcomes`)
      }
      this.outcomes.set(request.id, event.outcome)
      this.checkDeadline(request)
      if (event.outcome._tag === "Saved") {
        this.files.checkSaved(event.outcome, "at its Finished")
      }
    }
  }

  /** A mirror is given up once. A URL may fail again in the next attempt. */
  private onMirror(key: string, isFirst: boolean): void {
    if (!isFirst && this.mirrors.has(key) && !this.mirrors.has(`${key} alone`)) {
      this.life.violate(`${key} was requested after it was given up`)
    }
    this.mirrors.add(key)
  }

  /** A publish that has begun is not interrupted by the deadline. */
  private checkDeadline({ deadline, id }: Download.DownloadRequest): void {
    const tookMillis = this.life.world.now() - (this.started.get(id) ?? 0)
    const { asked, syncMillis } = this.life.scenario
    const publishMillis = 500 + (asked.length + 4) * syncMillis
    if (deadline !== undefined && tookMillis > Duration.toMillis(deadline) + publishMillis) {
      this.life.violate(`${id} took ${tookMillis} ms, and its deadline is ${Duration.toMillis(deadline)} ms`)
    }
  }

  private checkDigest({ error, request }: Retrying): void {
    const job = this.life.asked.find(({ id }) => id === request.id)?.job
    if (error._tag === "Mismatch" && error.reason === "digest" && job !== undefined && Scenario.isTruthful(job)) {
      this.life.violate(`${request.id} has a wrong digest, and every byte that it received is right`)
    }
  }

  /** An origin that cannot be reached, and has never answered, gets one request at a time, beside those that were in flight. */
  private checkProbe(origin: string): void {
    const failed = this.failed.get(origin)
    const open = this.life.origin?.open(origin) ?? 0
    if (
      failed === undefined ||
      this.answered.has(origin) ||
      this.life.isSecondLife ||
      this.life.world.now() === failed.at
    ) {
      return
    }
    failed.open ??= open - 1
    if (open > failed.open + 1) {
      this.life.violate(`${open} requests at a time are sent to ${origin}, which has never answered`)
    }
  }

  onStreamEnd(given: ReadonlyArray<Download.DownloadOutcome>): void {
    if (given.length !== this.life.asked.length) {
      this.life.violate(`the stream gave ${given.length} outcomes for ${this.life.asked.length} requests`)
    }
  }

  onNextLife(): void {
    this.outcomes.clear()
    this.started.clear()
    this.retries.clear()
    this.mirrors.clear()
    this.kept.onNextLife()
  }

  /** Checks a run that was not killed. */
  checkEnd(exit: Exit.Exit<unknown, unknown>): void {
    this.checkExit(exit)
    this.checkOutcomes()
    this.checkShared()
    this.checkNothingLeft()
    this.files.checkFiles()
  }

  checkLimits(): void {
    const { concurrency, perOrigin } = this.life.scenario
    for (const origin of [undefined, "https://cdn.test", ...Scenario.origins, ...Scenario.mirrorOrigins]) {
      const most = this.life.origin?.mostOpen(origin) ?? 0
      if (most > (origin === undefined ? concurrency : perOrigin)) {
        this.life.violate(`${most} transfers at a time ${origin === undefined ? "in all" : `at ${origin}`}`)
      }
    }
  }

  /** Checks the disk after a kill or a power cut. */
  checkKept(): void {
    const { hasLostPower, scenario } = this.life
    if (scenario.lives !== undefined && keepsParts(scenario) && !hasLostPower) {
      this.kept.checkLost()
    }
    if (this.files.holdsAfterCrash()) {
      this.files.checkFiles()
    }
  }

  /** Checks that a later run has completed the work of the first. */
  checkLaterLife(exit: Exit.Exit<unknown, unknown>): void {
    this.checkExit(exit)
    for (const { id, job } of this.life.asked) {
      const outcome = this.outcomes.get(id)
      const isThere = outcome?._tag === "Failed" && outcome.error._tag === "Disk" && outcome.error.reason === "exists"
      if (
        outcome?._tag !== "Saved" &&
        outcome?._tag !== "Skipped" &&
        !(isThere && job.onExists === "fail") &&
        this.life.obstructed !== job &&
        this.life.scenario.deadlineMillis === undefined
      ) {
        this.life.violate(`the last run did not save ${id}`)
      }
      // A file that a power cut has damaged stays if the last run does not save it before the deadline.
      if (this.files.holdsAfterCrash() || (job.onExists === "overwrite" && outcome?._tag === "Saved")) {
        this.files.checkName(job, "in the last run")
      }
    }
    this.kept.checkNewParts()
  }

  private checkExit(exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isFailure(exit) && !Cause.isInterruptedOnly(exit.cause)) {
      this.life.violate(`a defect: ${Cause.pretty(exit.cause).split("\n")[0]}`)
    }
  }

  private checkOutcomes(): void {
    const { asked, scenario } = this.life
    const { ending } = scenario
    const isWhole = ending.kind !== "close" && !(ending.kind === "cancel" && scenario.isStream)
    for (const [order, { id, job }] of asked.entries()) {
      const outcome = this.outcomes.get(id)
      // A fiber that is interrupted before its first step has requested nothing.
      const isAsked = isWhole && !(ending.kind === "cancel" && ending.job === order)
      if (outcome === undefined && (isAsked || this.started.has(id))) {
        this.life.violate(`${id} has no outcome`)
      }
      const isCancelled =
        ending.kind === "close" || (ending.kind === "cancel" && (scenario.isStream || ending.job === order))
      if (outcome?._tag === "Cancelled" && !isCancelled) {
        this.life.violate(`${id} was cancelled without an interruption`)
      }
      if (
        outcome?._tag === "Failed" &&
        Scenario.isSurvivable(job) &&
        scenario.deadlineMillis === undefined &&
        scenario.diskFault === undefined &&
        (scenario.descriptors === undefined || scenario.isDirect) &&
        this.life.obstructed !== job &&
        !(outcome.error._tag === "Disk" && outcome.error.reason === "exists" && job.onExists === "fail")
      ) {
        this.life.violate(`${id} failed although a retry was enough: ${outcome.error._tag}: ${outcome.error.message}`)
      }
    }
    const told = this.outcomes.size
    if (!isWhole && scenario.isStream && told !== 0 && told !== asked.length) {
      this.life.violate(`${told} of ${asked.length} requests have an outcome`)
    }
  }

  /** Callers that requested one file at the same time have the same number of `Retrying` events. */
  private checkShared(): void {
    for (const { id, job } of this.life.asked) {
      const startedAt = this.started.get(id)
      const isShared = this.life.asked.some(
        (other) => other.id !== id && other.job === job && this.started.get(other.id) === startedAt
      )
      const outcome = this.outcomes.get(id)
      const retries = this.retries.get(id) ?? 0
      if (isShared && outcome?._tag === "Saved" && retries !== outcome.attempts - 1) {
        this.life.violate(`${id} took ${outcome.attempts} attempts, and had ${retries} Retrying events`)
      }
    }
  }

  private checkNothingLeft(): void {
    const { disk, governor, origin, world } = this.life
    const living = world.livingFibers().length
    if (living > 0) {
      this.life.violate(`${living} fibers are left`)
    }
    if (world.pendingTimers() > 0) {
      this.life.violate(`${world.pendingTimers()} timers are left`)
    }
    if (disk.descriptors() !== 0) {
      this.life.violate(`${disk.descriptors()} descriptors are left`)
    }
    this.kept.checkParts()
    if ((origin?.open() ?? 0) > 0) {
      this.life.violate(`${origin?.open()} connections are left`)
    }
    const permits = governor?.inUse().permits ?? 0
    if (permits !== 0) {
      this.life.violate(`${permits} permits are left`)
    }
    this.checkLimits()
  }
}

const askedToWait = (reply: Origin.Reply, nowMillis: number): number => {
  const text = reply.headers?.["retry-after"]
  if (text === undefined || (reply.status !== 429 && reply.status !== 503)) {
    return 0
  }
  const millis = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMillis
  return Number.isNaN(millis) ? 0 : Math.min(Math.max(0, millis), Scenario.longestWaitMillis)
}
