/**
 * The promises of this package as checks of a simulated life: at every request, every operation on a final name, every
 * event, and at the end.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import type * as Download from "../Download.js"
import type { DownloadEvent, Retrying } from "../DownloadEvent.js"
import type * as Disk from "./Disk.js"
import type * as Origin from "./Origin.js"
import * as Scenario from "./Scenario.js"
import * as Served from "./served.js"
import type { World } from "./World.js"

/** A request to the downloader, and the file that it is for. */
export interface Asked {
  readonly id: string
  readonly job: Scenario.Job
  readonly request: Download.DownloadRequest
}

/** What a life shows to those who check it. */
export interface Observed {
  readonly scenario: Scenario.Scenario
  readonly asked: ReadonlyArray<Asked>
  readonly disk: Disk.Disk
  /** Another one in the second life. */
  readonly world: World
  /** None before the layers are built. */
  readonly origin: typeof Origin.Origin.Service | undefined
  readonly isSecondLife: boolean
  /** Whose destination another program has written. */
  readonly intruded: Scenario.Job | undefined
  /** The job whose destination another program has made a directory. */
  readonly obstructed: Scenario.Job | undefined
  readonly violate: (what: string) => void
}

const secret = "s3cret"

// More attempts than the retry policy of a simulated downloader allows without progress.
const mostDrips = 100

/** What this origin is told, and neither another one nor an event. */
export const secretFor = (origin: string): string => `${secret} ${origin}`

/** What stands under the destination of a file that is there before. */
export const oldContent = (job: Scenario.Job): Uint8Array =>
  new TextEncoder().encode(`what stood there before ${job.index}`)

/** `on…` is told what happens and may find a promise broken by it; `check…` looks at what a life has left. */
export class Promises {
  private readonly outcomes = new Map<string, Download.DownloadOutcome>()
  /** When each request was told as started. */
  private readonly started = new Map<string, number>()
  private readonly retries = new Map<string, number>()
  // When each origin may be asked again.
  private readonly closedUntil = new Map<string, { readonly from: number; readonly until: number }>()
  // Origins that have never answered and have failed: when they failed, and how many requests were in flight then.
  private readonly failed = new Map<string, { readonly at: number; open: number | undefined }>()
  private readonly answered = new Set<string>()
  private partsBefore: ReadonlyArray<string> = []

  constructor(private readonly life: Observed) {}

  onRequest(request: Origin.Request, job: Scenario.Job): void {
    const { isSecondLife, world } = this.life
    const { origin, protocol } = new URL(request.url)
    const closed = this.closedUntil.get(origin)
    if (!isSecondLife && closed !== undefined && world.now() > closed.from && world.now() < closed.until) {
      this.life.violate(`${origin} asked for rest until ${closed.until} and got a request`)
    }
    this.checkProbe(origin)
    const told = request.headers["x-secret"]
    if (told !== undefined && told !== secretFor(origin)) {
      this.life.violate(`${origin} was told what is for ${told}`)
    }
    if (request.headers["accept-encoding"] !== "identity") {
      this.life.violate("a request did not ask for identity")
    }
    if (protocol !== "http:" && protocol !== "https:") {
      this.life.violate(`a request for ${protocol} was made`)
    }
    if (job.isDripping && request.turn > mostDrips) {
      this.life.violate(`${request.url} was asked for ${request.turn} times, and gave a byte each time`)
    }
    const ifRange = request.headers["if-range"]
    if (request.headers["range"] !== undefined && ifRange === undefined && job.validator === "strong") {
      this.life.violate("a range was asked for without the validator that the origin gave")
    }
    if (ifRange?.startsWith("W/") === true) {
      this.life.violate("a weak validator stands in If-Range")
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
    const waitMillis = askedToWait(reply, nowMillis)
    if (waitMillis > 0) {
      const before = this.closedUntil.get(origin)
      const until = nowMillis + waitMillis
      if (before === undefined || before.until < until) {
        this.closedUntil.set(origin, { from: nowMillis, until })
      }
    }
  }

  onOperation(operation: Disk.Operation): void {
    const isPromised = !this.life.isSecondLife || this.holdsAfterCrash()
    for (const job of isPromised ? this.life.scenario.jobs : []) {
      if (operation.to === job.destination || operation.path === job.destination) {
        this.checkName(job, "while it runs")
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
    }
    if (event._tag === "Finished") {
      if (this.outcomes.has(request.id)) {
        this.life.violate(`${request.id} has two outcomes`)
      }
      this.outcomes.set(request.id, event.outcome)
      this.checkDeadline(request)
      if (event.outcome._tag === "Saved") {
        this.checkSaved(event.outcome, "when it was told")
      }
    }
  }

  /** What cannot be interrupted, a publish, may come to its end. */
  private checkDeadline({ deadline, id }: Download.DownloadRequest): void {
    const tookMillis = this.life.world.now() - (this.started.get(id) ?? 0)
    if (deadline !== undefined && tookMillis > Duration.toMillis(deadline) + 500) {
      this.life.violate(`${id} took ${tookMillis} ms, and its deadline is ${Duration.toMillis(deadline)} ms`)
    }
  }

  private checkDigest({ error, request }: Retrying): void {
    const job = this.life.asked.find(({ id }) => id === request.id)?.job
    if (error._tag === "Mismatch" && error.reason === "digest" && job !== undefined && Scenario.isTruthful(job)) {
      this.life.violate(`${request.id} had another digest, and each byte that it received was right`)
    }
  }

  /** An origin that has never answered and failed is tried by one request at a time, beside those that were under way. */
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

  onSecondLife(): void {
    this.outcomes.clear()
    this.started.clear()
    this.retries.clear()
    this.partsBefore = this.parts()
  }

  /** After a life that ended by itself. */
  checkEnd(exit: Exit.Exit<unknown, unknown>): void {
    this.checkExit(exit)
    this.checkOutcomes()
    this.checkShared()
    this.checkNothingLeft()
    this.checkFiles()
  }

  checkLimits(): void {
    const { concurrency, perOrigin } = this.life.scenario
    for (const origin of [undefined, "https://cdn.test", ...Scenario.origins]) {
      const most = this.life.origin?.mostOpen(origin) ?? 0
      if (most > (origin === undefined ? concurrency : perOrigin)) {
        this.life.violate(`${most} transfers at a time ${origin === undefined ? "in all" : `at ${origin}`}`)
      }
    }
  }

  /** After a kill or a power cut: what the disk kept. */
  checkKept(): void {
    if (this.holdsAfterCrash()) {
      this.checkFiles()
    }
  }

  /** After a second life: it has completed the work of the first. */
  checkSecondLife(exit: Exit.Exit<unknown, unknown>): void {
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
        this.life.violate(`the second life did not save ${id}`)
      }
      if (this.holdsAfterCrash() || job.onExists === "overwrite") {
        this.checkName(job, "in the second life")
      }
    }
    if (this.parts().some((name) => !this.partsBefore.includes(name))) {
      this.life.violate("temporaries of the second life are left")
    }
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
      // A fiber that is interrupted before its first step has asked for nothing.
      const isAsked = isWhole && !(ending.kind === "cancel" && ending.job === order)
      if (outcome === undefined && (isAsked || this.started.has(id))) {
        this.life.violate(`${id} has no outcome`)
      }
      const isCancelled =
        ending.kind === "close" || (ending.kind === "cancel" && (scenario.isStream || ending.job === order))
      if (outcome?._tag === "Cancelled" && !isCancelled) {
        this.life.violate(`${id} was cancelled by nobody`)
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
        this.life.violate(
          `${id} failed although trying again was enough: ${outcome.error._tag}: ${outcome.error.message}`
        )
      }
    }
    const told = this.outcomes.size
    if (!isWhole && scenario.isStream && told !== 0 && told !== asked.length) {
      this.life.violate(`${told} of ${asked.length} requests have an outcome`)
    }
  }

  /** Callers that asked for one file in the same moment were told of the same attempts, each in its own name. */
  private checkShared(): void {
    for (const { id, job } of this.life.asked) {
      const startedAt = this.started.get(id)
      const isShared = this.life.asked.some(
        (other) => other.id !== id && other.job === job && this.started.get(other.id) === startedAt
      )
      const outcome = this.outcomes.get(id)
      const retries = this.retries.get(id) ?? 0
      if (isShared && outcome?._tag === "Saved" && retries !== outcome.attempts - 1) {
        this.life.violate(`${id} took ${outcome.attempts} attempts, and was told of ${retries} retries`)
      }
    }
  }

  private checkNothingLeft(): void {
    const { disk, origin, world } = this.life
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
    if (this.parts().length > 0) {
      this.life.violate(`temporaries are left: ${this.parts().join(" ")}`)
    }
    if ((origin?.open() ?? 0) > 0) {
      this.life.violate(`${origin?.open()} connections are left`)
    }
    this.checkLimits()
  }

  private parts(): ReadonlyArray<string> {
    return Array.from(this.life.disk.files().keys()).filter((name) => name.endsWith(".part"))
  }

  private checkFiles(): void {
    for (const job of this.life.scenario.jobs) {
      this.checkName(job, "at the end")
    }
    const outcomes = Array.from(this.outcomes.values())
    this.checkOwnNames(outcomes)
    // Of requests that are not known to have left nothing.
    const saved = new Set(
      this.life.asked.flatMap(({ id, request }) => {
        const outcome = this.outcomes.get(id)
        const isDisk = outcome?._tag === "Failed" && outcome.error._tag === "Disk"
        return outcome === undefined || outcome._tag === "Saved" || isDisk ? [request.destination] : []
      })
    )
    for (const outcome of outcomes) {
      if (outcome._tag === "Saved") {
        this.checkSaved(outcome, "at the end")
      }
      if (outcome._tag === "Skipped" && !this.life.disk.files().has(outcome.request.destination)) {
        this.life.violate(`${outcome.request.id} was skipped, and there is no file`)
      }
      const { destination, id } = outcome.request
      if ((outcome._tag === "Cancelled" || outcome._tag === "Failed") && !saved.has(destination)) {
        const job = this.life.asked.find((one) => one.id === id)?.job
        const found = this.life.disk.files().get(destination)
        if (found !== undefined && job !== undefined && !(this.wasThere(job) && isEqual(found, oldContent(job)))) {
          this.life.violate(`${id} is ${outcome._tag}, and ${destination} is there`)
        }
      }
    }
  }

  /** Who wants a file of its own has one: whole, and nobody else's. */
  private checkOwnNames(outcomes: ReadonlyArray<Download.DownloadOutcome>): void {
    for (const job of this.life.scenario.jobs.filter(({ onExists }) => onExists === "unique")) {
      const own = outcomes.flatMap((outcome) =>
        outcome._tag === "Saved" && outcome.request.destination === job.destination ? [outcome.destination] : []
      )
      if (new Set(own).size !== own.length) {
        this.life.violate(`two have one name: ${own.join(" ")}`)
      }
      for (const [name, content] of this.life.disk.files()) {
        if (name.startsWith(`${job.destination}-`) && !this.isSomeVersion(job, content)) {
          this.life.violate(`${name} is not whole`)
        }
      }
    }
  }

  /** P1: what stands under a final name is whole: some version of the file, or what stood there before. */
  private checkName(job: Scenario.Job, when: string): void {
    const found = this.life.disk.files().get(job.destination)
    if (found === undefined) {
      if (this.wasThere(job)) {
        this.life.violate(`what stood under ${job.destination} is lost ${when}`)
      }
      return
    }
    const isOld = this.wasThere(job) && isEqual(found, oldContent(job))
    if (!isOld && this.wasThere(job) && job.onExists !== "overwrite") {
      this.life.violate(`${job.destination} was overwritten, which nobody asked for`)
    }
    if (!isOld && !this.isSomeVersion(job, found)) {
      this.life.violate(`${job.destination} is not whole ${when}`)
    }
  }

  private wasThere(job: Scenario.Job): boolean {
    return job.isThere || this.life.intruded === job
  }

  private isSomeVersion(job: Scenario.Job, found: Uint8Array): boolean {
    return Array.from({ length: Scenario.versionsOf(job) }, (_, version) => Served.contentOf(job, version)).some(
      (content, version) =>
        isEqual(found, content) && (!job.hasDigest || version === Scenario.versionsOf(job) - 1 || job.sizeBytes === 0)
    )
  }

  /** Without syncs nothing is promised for a power cut. */
  private holdsAfterCrash(): boolean {
    const { durability, ending } = this.life.scenario
    return ending.kind !== "power" || durability === "full"
  }

  private checkSaved(outcome: Download.Saved, when: string): void {
    const found = this.life.disk.files().get(outcome.destination)
    const isIntruded = this.life.intruded?.destination === outcome.destination
    if (found === undefined || (found.length !== outcome.bytes && !isIntruded)) {
      this.life.violate(`${outcome.request.id} was told as saved, and is not there ${when}`)
    }
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

const isEqual = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index])
