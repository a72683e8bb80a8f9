/**
 * The downloader in a world of which every failure replays from a seed.
 *
 * A seed draws a workload, the faults of origins and disk, and an ending: the run completes, one transfer is cancelled,
 * all of it is closed, the process is killed, or the power is cut; after the last two a second life begins on what the
 * disk kept. The invariants are this package's promises.
 *
 * @since 0.2.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Download from "../Download.js"
import type { DownloadEvent } from "../DownloadEvent.js"
import * as Downloader from "../Downloader.js"
import * as Progress from "../Progress.js"
import * as RetryPolicy from "../RetryPolicy.js"
import * as DirectStore from "../Store/Direct.js"
import * as FileSystemStore from "../Store/FileSystem.js"
import * as Disk from "./Disk.js"
import * as Origin from "./Origin.js"
import * as Scenario from "./Scenario.js"
import { World } from "./World.js"

/**
 * What came of one run.
 *
 * @category models
 * @since 0.2.0
 */
export interface Result {
  readonly seed: number
  /** The promises that were broken, a sentence each; none where all is well. */
  readonly violations: ReadonlyArray<string>
  /** What happened, a line each, with its time in virtual milliseconds. */
  readonly trace: ReadonlyArray<string>
  readonly steps: number
  readonly virtualMillis: number
}

/**
 * Runs the simulation that this seed draws. Does not throw.
 *
 * @category running
 * @since 0.2.0
 */
export const run = (seed: number): Result => {
  const scenario = Scenario.draw(seed)
  const life = new Life(scenario)
  life.live()
  return {
    seed,
    violations: life.violations,
    trace: life.trace,
    steps: life.world.steps(),
    virtualMillis: life.world.now()
  }
}

/**
 * A result as text: the promises that were broken, and how it came to that.
 *
 * @category showing
 * @since 0.2.0
 */
export const show = (result: Result): string =>
  [
    `seed ${result.seed}: ${result.violations.length === 0 ? "all promises kept" : result.violations.join("; ")}`,
    ...result.trace.map((line) => `  ${line}`)
  ].join("\n")

const retry = RetryPolicy.make({
  retries: 30,
  firstDelay: Duration.millis(100),
  longestDelay: Duration.seconds(2),
  longestWait: Duration.millis(Scenario.longestWaitMillis)
})

const headersMillis = 2000

const stallMillis = 2000

// The longest that a run may take: far longer than its waits, and shorter than the bound that its stalls would meet else.
const budget = Duration.minutes(50)

const secret = "s3cret"

interface Asked {
  readonly id: string
  readonly job: Scenario.Job
  readonly request: Download.DownloadRequest
}

/** One seed: the first life, the checks, and a second life where there is one. */
class Life {
  readonly trace: Array<string> = []
  readonly violations: Array<string> = []
  world: World
  private readonly disk: Disk.Disk
  private readonly asked: ReadonlyArray<Asked>
  private readonly from: Scenario.Draw
  private readonly outcomes = new Map<string, Download.DownloadOutcome>()
  private readonly started = new Set<string>()
  private readonly turns = new Map<number, number>()
  // When each origin may be asked again.
  private readonly closedUntil = new Map<string, { readonly from: number; readonly until: number }>()
  private origin: typeof Origin.Origin.Service | undefined
  private replies = 0
  private operations = 0
  private readonly operationsByName = new Map<string, number>()
  private isSecondLife = false
  // The place of the one who asks in the moment of a cancellation, and how to make it ask.
  private readonly late: number | undefined
  private askLate: () => void = () => {}
  private intruded: Scenario.Job | undefined
  private interruptAtDisk: (() => void) | undefined

  constructor(private readonly scenario: Scenario.Scenario) {
    this.world = new World(scenario.seed, { atMost: budget })
    this.from = new Scenario.Draw(scenario.seed ^ 0x5bd1e995)
    const { ending } = scenario
    const late =
      ending.kind === "cancel" && ending.isAskedAgain && !scenario.isStream ? [scenario.asked[ending.job] ?? 0] : []
    this.asked = [...scenario.asked, ...late].map((index, order) => this.ask(index, order))
    this.late = late.length === 0 ? undefined : this.asked.length - 1
    this.disk = new Disk.Disk({
      fate: (operation) => this.fateOf(operation),
      onDone: (operation) => this.onDone(operation),
      ...(scenario.descriptors === undefined ? {} : { descriptors: scenario.descriptors })
    })
    for (const job of scenario.jobs) {
      if (job.isThere) {
        this.disk.put(job.destination, oldContent(job))
      }
    }
  }

  live(): void {
    const { ending } = this.scenario
    this.note(`asked ${this.asked.map(({ id }) => id).join(" ")}; ${ending.kind}`)
    const how = this.runOnce()
    switch (how._tag) {
      case "deadlock":
        this.violate("deadlock: everything waits, and for nothing")
        return
      case "budget":
        this.violate(`a wait without a bound: not done after ${Duration.format(budget)}`)
        return
      case "done":
        this.checkExit(how.exit)
        this.checkOutcomes()
        this.checkNothingLeft()
        this.checkFiles()
        return
      case "halted":
        this.checkCrash()
        this.secondLife()
    }
  }

  private ask(index: number, order: number): Asked {
    const job = this.scenario.jobs[index] ?? firstJob(this.scenario)
    const id = `${job.index}#${order}`
    return {
      id,
      job,
      request: Download.request({
        id,
        url: `${job.origin}${job.path}`,
        destination: job.destination,
        onExists: job.onExists,
        timeout: "1 hour",
        headers: { "X-Secret": `${secret} ${job.origin}` },
        digest: job.hasDigest ? Scenario.digestOf(job) : undefined
      })
    }
  }

  private note(text: string): void {
    this.trace.push(`${String(this.world.now()).padStart(7)} ${text}`)
  }

  private violate(what: string): void {
    this.note(`BROKEN ${what}`)
    this.violations.push(what)
  }

  private runOnce() {
    const { ending } = this.scenario
    const layer = Downloader.layerWith({
      retry,
      headersTimeout: headersMillis,
      stall: { bytes: 10, within: stallMillis },
      durability: this.scenario.durability,
      concurrency: this.scenario.isStream ? undefined : this.scenario.concurrency,
      perOrigin: this.scenario.perOrigin,
      requestsPerSecond: this.scenario.requestsPerSecond,
      bytesPerSecond: this.scenario.bytesPerSecond
    }).pipe(
      Layer.provideMerge(
        Layer.mergeAll(
          (this.scenario.isDirect ? DirectStore.layer(this.disk.calls()) : FileSystemStore.layer).pipe(
            Layer.provide(this.disk.layer)
          ),
          Origin.layer(
            (request) => this.reply(request),
            (request, reply) => this.onReply(request, reply)
          ),
          Progress.layer((event) => Effect.sync(() => this.onEvent(event)))
        )
      )
    )
    const fibers: Array<Fiber.RuntimeFiber<unknown, unknown>> = []
    const program = Effect.gen(this, function* () {
      const downloader = yield* Downloader.Downloader
      this.origin = yield* Origin.Origin
      const requests = this.asked.map(({ request }) => request)
      if (this.scenario.isStream) {
        const given: Array<Download.DownloadOutcome> = []
        yield* Stream.runForEach(
          downloader.run(Stream.fromIterable(requests), { concurrency: this.scenario.concurrency }),
          (outcome) => Effect.sync(() => given.push(outcome))
        )
        if (given.length !== requests.length) {
          this.violate(`the stream gave ${given.length} outcomes for ${requests.length} requests`)
        }
      } else {
        for (const [order, request] of requests.entries()) {
          const moment = order === this.late && !this.isSecondLife ? this.untilAsked() : Effect.void
          fibers.push(yield* Effect.fork(Effect.exit(Effect.zipRight(moment, downloader.download(request)))))
        }
        yield* Fiber.awaitAll(fibers.filter((_, order) => order !== this.late))
        this.askLate()
        yield* Fiber.awaitAll(fibers)
      }
    })
    // Layers are built uninterrupted: two that Effect builds side by side wait for each other for good when they are
    // interrupted meanwhile.
    const root = this.world.fork(
      Effect.scoped(
        Effect.flatMap(Effect.uninterruptible(Layer.build(Layer.fresh(layer))), (context) =>
          Effect.provide(program, context)
        )
      )
    )
    if (!this.isSecondLife && (ending.kind === "close" || ending.kind === "cancel")) {
      const interrupt = () => {
        const fiber = ending.kind === "close" || this.scenario.isStream ? root : fibers[ending.job]
        this.note(`interrupted: ${fiber === root ? "all" : (this.asked[this.jobOf(ending)]?.id ?? "")}`)
        fiber?.unsafeInterruptAsFork(root.id())
        this.askLate()
      }
      if (this.scenario.interruptAtDisk === undefined) {
        this.world.at(ending.step, interrupt)
      } else {
        this.interruptAtDisk = interrupt
      }
    }
    const { intruder } = this.scenario
    if (!this.isSecondLife && intruder !== undefined) {
      this.world.at(intruder.step, () => {
        const job = this.scenario.jobs[intruder.job] ?? firstJob(this.scenario)
        if (!this.disk.files().has(job.destination)) {
          this.note(`another program writes ${job.destination}`)
          this.disk.put(job.destination, oldContent(job))
          this.intruded = job
        }
      })
    }
    if (!this.isSecondLife && isCrash(ending) && ending.at === "step") {
      this.world.at(ending.count, () => this.crash())
    }
    return this.world.resume(root)
  }

  private untilAsked(): Effect.Effect<void> {
    return Effect.async((resume) => {
      this.askLate = () => resume(Effect.void)
    })
  }

  private jobOf(ending: Scenario.Ending): number {
    return ending.kind === "cancel" ? ending.job : -1
  }

  private crash(): void {
    this.note("the process ends here")
    this.world.halt()
  }

  private reply(request: Origin.Request): Origin.Reply {
    const url = new URL(request.url)
    const job = this.scenario.jobs.find(({ path }) => path === url.pathname) ?? firstJob(this.scenario)
    const headers = ["range", "if-range"].flatMap((name) =>
      request.headers[name] === undefined ? [] : [`${name}: ${request.headers[name]}`]
    )
    this.note(`GET ${request.url} ${headers.join(" ")}`)
    this.checkRequest(request, url, job)
    if (this.isSecondLife) {
      return Scenario.replyTo(job, request, job.faults.length, 0)
    }
    if (url.search === "?loop") {
      return { status: 302, headers: { location: "?loop" } }
    }
    const turn = this.turns.get(job.index) ?? 0
    this.turns.set(job.index, turn + 1)
    return Scenario.replyTo(job, request, turn, this.world.now() + 5)
  }

  private onReply(request: Origin.Request, reply: Origin.Reply): void {
    const { origin } = new URL(request.url)
    this.note(
      `  ${request.url}: ${reply.instead ?? `${reply.status ?? 200} ${reply.headers?.["retry-after"] ?? ""}`}${reply.breakAt === undefined ? "" : ` until ${reply.breakAt.how} at ${reply.breakAt.bytes}`}`
    )
    const waitMillis = this.askedToWait(reply)
    if (waitMillis > 0) {
      const before = this.closedUntil.get(origin)
      const until = this.world.now() + waitMillis
      if (before === undefined || before.until < until) {
        this.closedUntil.set(origin, { from: this.world.now(), until })
      }
    }
    const { ending } = this.scenario
    if (!this.isSecondLife && isCrash(ending) && ending.at === "reply" && this.replies++ === ending.count) {
      this.crash()
    }
  }

  private askedToWait(reply: Origin.Reply): number {
    const text = reply.headers?.["retry-after"]
    if (text === undefined || (reply.status !== 429 && reply.status !== 503)) {
      return 0
    }
    const millis = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - this.world.now()
    return Number.isNaN(millis) ? 0 : Math.min(Math.max(0, millis), Scenario.longestWaitMillis)
  }

  private checkRequest(request: Origin.Request, url: URL, job: Scenario.Job): void {
    const closed = this.closedUntil.get(url.origin)
    if (
      !this.isSecondLife &&
      closed !== undefined &&
      this.world.now() > closed.from &&
      this.world.now() < closed.until
    ) {
      this.violate(`${url.origin} asked for rest until ${closed.until} and got a request`)
    }
    const told = request.headers["x-secret"]
    if (told !== undefined && told !== `${secret} ${url.origin}`) {
      this.violate(`${url.origin} was told what is for ${told}`)
    }
    if (request.headers["accept-encoding"] !== "identity") {
      this.violate("a request did not ask for identity")
    }
    if (url.protocol !== "http:" && url.protocol !== "https:") {
      this.violate(`a request for ${url.protocol} was made`)
    }
    const ifRange = request.headers["if-range"]
    if (request.headers["range"] !== undefined && ifRange === undefined && job.validator === "strong") {
      this.violate("a range was asked for without the validator that the origin gave")
    }
    if (ifRange?.startsWith("W/") === true) {
      this.violate("a weak validator stands in If-Range")
    }
  }

  private fateOf(operation: Disk.Operation): Disk.Fate | undefined {
    const { diskFault, ending } = this.scenario
    if (this.isSecondLife) {
      return { delayMillis: 1 }
    }
    if (isCrash(ending) && ending.at === "disk" && this.operations++ === ending.count) {
      this.note(`  disk ${operation.name} ${operation.path} is not carried out`)
      this.crash()
    }
    if (this.world.isHalted()) {
      return { never: true }
    }
    if (this.interruptAtDisk !== undefined && this.operations++ === this.scenario.interruptAtDisk) {
      this.interruptAtDisk()
    }
    const count = this.operationsByName.get(operation.name) ?? 0
    this.operationsByName.set(operation.name, count + 1)
    const errno =
      diskFault !== undefined && diskFault.operation === operation.name && diskFault.count === count
        ? diskFault.errno
        : undefined
    return { delayMillis: this.from.below(4), errno }
  }

  private onDone(operation: Disk.Operation): void {
    if (operation.name !== "look") {
      this.note(`  disk ${operation.name} ${operation.path} ${operation.to ?? ""}`)
    }
    for (const job of this.isPromised() ? this.scenario.jobs : []) {
      if (operation.to === job.destination || operation.path === job.destination) {
        this.checkName(job, "while it runs")
      }
    }
  }

  private onEvent(event: DownloadEvent): void {
    const request = event._tag === "Finished" ? event.outcome.request : event.request
    const detail =
      event._tag === "Finished"
        ? `${event.outcome._tag} ${event.outcome._tag === "Failed" ? `${event.outcome.error._tag}: ${event.outcome.error.message}` : ""}`
        : event._tag === "Retrying"
          ? `after ${event.error._tag}: ${event.error.message}`
          : ""
    this.note(`${event._tag} ${request.id} ${detail}`)
    if (JSON.stringify(event).includes(secret)) {
      this.violate(`${event._tag} shows a secret`)
    }
    if (event._tag === "Started") {
      this.started.add(request.id)
    }
    if (event._tag === "Finished") {
      if (this.outcomes.has(request.id)) {
        this.violate(`${request.id} has two outcomes`)
      }
      this.outcomes.set(request.id, event.outcome)
      if (event.outcome._tag === "Saved") {
        this.checkSaved(event.outcome, "when it was told")
      }
    }
  }

  private checkExit(exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isFailure(exit) && !Cause.isInterruptedOnly(exit.cause)) {
      this.violate(`a defect: ${Cause.pretty(exit.cause).split("\n")[0]}`)
    }
  }

  private checkOutcomes(): void {
    const { ending } = this.scenario
    const isWhole = ending.kind !== "close" && !(ending.kind === "cancel" && this.scenario.isStream)
    for (const [order, { id, job }] of this.asked.entries()) {
      const outcome = this.outcomes.get(id)
      // A fiber that is interrupted before its first step has asked for nothing.
      const isAsked = isWhole && !(ending.kind === "cancel" && ending.job === order)
      if (outcome === undefined && (isAsked || this.started.has(id))) {
        this.violate(`${id} has no outcome`)
      }
      const isCancelled =
        ending.kind === "close" || (ending.kind === "cancel" && (this.scenario.isStream || ending.job === order))
      if (outcome?._tag === "Cancelled" && !isCancelled) {
        this.violate(`${id} was cancelled by nobody`)
      }
      if (
        outcome?._tag === "Failed" &&
        Scenario.isSurvivable(job) &&
        this.scenario.diskFault === undefined &&
        this.scenario.descriptors === undefined &&
        !(outcome.error._tag === "Disk" && outcome.error.reason === "exists" && job.onExists === "fail")
      ) {
        this.violate(`${id} failed although trying again was enough: ${outcome.error._tag}: ${outcome.error.message}`)
      }
    }
    const told = this.outcomes.size
    if (!isWhole && this.scenario.isStream && told !== 0 && told !== this.asked.length) {
      this.violate(`${told} of ${this.asked.length} requests have an outcome`)
    }
  }

  private checkNothingLeft(): void {
    const living = this.world.livingFibers().length
    if (living > 0) {
      this.violate(`${living} fibers are left`)
    }
    if (this.world.pendingTimers() > 0) {
      this.violate(`${this.world.pendingTimers()} timers are left`)
    }
    if (this.disk.descriptors() !== 0) {
      this.violate(`${this.disk.descriptors()} descriptors are left`)
    }
    if (this.parts().length > 0) {
      this.violate(`temporaries are left: ${this.parts().join(" ")}`)
    }
    if ((this.origin?.open() ?? 0) > 0) {
      this.violate(`${this.origin?.open()} connections are left`)
    }
    this.checkLimits()
  }

  private checkLimits(): void {
    const { concurrency, perOrigin } = this.scenario
    for (const origin of [undefined, "https://cdn.test", ...Scenario.origins]) {
      const most = this.origin?.mostOpen(origin) ?? 0
      if (most > (origin === undefined ? concurrency : perOrigin)) {
        this.violate(`${most} transfers at a time ${origin === undefined ? "in all" : `at ${origin}`}`)
      }
    }
  }

  private parts(): ReadonlyArray<string> {
    return Array.from(this.disk.files().keys()).filter((name) => name.endsWith(".part"))
  }

  private checkFiles(): void {
    for (const job of this.scenario.jobs) {
      this.checkName(job, "at the end")
    }
    const outcomes = Array.from(this.outcomes.values())
    this.checkOwnNames(outcomes)
    // Of requests that are not known to have left nothing.
    const saved = new Set(
      this.asked.flatMap(({ id, request }) => {
        const outcome = this.outcomes.get(id)
        const isDisk = outcome?._tag === "Failed" && outcome.error._tag === "Disk"
        return outcome === undefined || outcome._tag === "Saved" || isDisk ? [request.destination] : []
      })
    )
    for (const outcome of outcomes) {
      if (outcome._tag === "Saved") {
        this.checkSaved(outcome, "at the end")
      }
      const { destination, id } = outcome.request
      if ((outcome._tag === "Cancelled" || outcome._tag === "Failed") && !saved.has(destination)) {
        const job = this.asked.find((one) => one.id === id)?.job
        const found = this.disk.files().get(destination)
        if (found !== undefined && job !== undefined && !(this.wasThere(job) && isEqual(found, oldContent(job)))) {
          this.violate(`${id} is ${outcome._tag}, and ${destination} is there`)
        }
      }
    }
  }

  /** Who wants a file of its own has one: whole, and nobody else's. */
  private checkOwnNames(outcomes: ReadonlyArray<Download.DownloadOutcome>): void {
    for (const job of this.scenario.jobs.filter(({ onExists }) => onExists === "unique")) {
      const own = outcomes.flatMap((outcome) =>
        outcome._tag === "Saved" && outcome.request.destination === job.destination ? [outcome.destination] : []
      )
      if (new Set(own).size !== own.length) {
        this.violate(`two have one name: ${own.join(" ")}`)
      }
      for (const [name, content] of this.disk.files()) {
        if (name.startsWith(`${job.destination}-`) && !this.isSomeVersion(job, content)) {
          this.violate(`${name} is not whole`)
        }
      }
    }
  }

  /** P1: what stands under a final name is whole: some version of the file, or what stood there before. */
  private checkName(job: Scenario.Job, when: string): void {
    const found = this.disk.files().get(job.destination)
    if (found === undefined) {
      if (this.wasThere(job)) {
        this.violate(`what stood under ${job.destination} is lost ${when}`)
      }
      return
    }
    const isOld = this.wasThere(job) && isEqual(found, oldContent(job))
    if (!isOld && this.wasThere(job) && job.onExists !== "overwrite") {
      this.violate(`${job.destination} was overwritten, which nobody asked for`)
    }
    if (!isOld && !this.isSomeVersion(job, found)) {
      this.violate(`${job.destination} is not whole ${when}`)
    }
  }

  private wasThere(job: Scenario.Job): boolean {
    return job.isThere || this.intruded === job
  }

  private isSomeVersion(job: Scenario.Job, found: Uint8Array): boolean {
    return Array.from({ length: Scenario.versionsOf(job) }, (_, version) => Scenario.contentOf(job, version)).some(
      (content, version) =>
        isEqual(found, content) && (!job.hasDigest || version === Scenario.versionsOf(job) - 1 || job.sizeBytes === 0)
    )
  }

  /** Without syncs nothing is promised for a power cut. */
  private isPromised(): boolean {
    return !this.isSecondLife || this.scenario.ending.kind !== "power" || this.scenario.durability === "full"
  }

  private checkSaved(outcome: Download.Saved, when: string): void {
    const found = this.disk.files().get(outcome.destination)
    const isIntruded = this.intruded?.destination === outcome.destination
    if (found === undefined || (found.length !== outcome.bytes && !isIntruded)) {
      this.violate(`${outcome.request.id} was told as saved, and is not there ${when}`)
    }
  }

  private checkCrash(): void {
    this.checkLimits()
    const isPowerCut = this.scenario.ending.kind === "power"
    if (isPowerCut) {
      this.disk.powerCut(this.from.real)
    } else {
      this.disk.kill()
    }
    this.note(`left: ${Array.from(this.disk.files(), ([name, { length }]) => `${name} (${length})`).join(" ")}`)
    // Without syncs nothing is promised for a power cut.
    if (!isPowerCut || this.scenario.durability === "full") {
      this.checkFiles()
    }
  }

  private secondLife(): void {
    this.isSecondLife = true
    this.outcomes.clear()
    this.started.clear()
    this.disk.options = { ...this.disk.options, descriptors: undefined }
    this.world = new World(this.scenario.seed + 1, { atMost: budget })
    const parts = this.parts()
    this.note("a second life")
    const how = this.runOnce()
    if (how._tag !== "done") {
      this.violate(`the second life does not end: ${how._tag}`)
      return
    }
    this.checkExit(how.exit)
    for (const { id, job } of this.asked) {
      const outcome = this.outcomes.get(id)
      const isThere = outcome?._tag === "Failed" && outcome.error._tag === "Disk" && outcome.error.reason === "exists"
      if (outcome?._tag !== "Saved" && outcome?._tag !== "Skipped" && !(isThere && job.onExists === "fail")) {
        this.violate(`the second life did not save ${id}`)
      }
      if (this.isPromised() || job.onExists === "overwrite") {
        this.checkName(job, "in the second life")
      }
    }
    if (this.parts().some((name) => !parts.includes(name))) {
      this.violate("temporaries of the second life are left")
    }
  }
}

const isCrash = (ending: Scenario.Ending): ending is Extract<Scenario.Ending, { readonly kind: "kill" | "power" }> =>
  ending.kind === "kill" || ending.kind === "power"

const firstJob = (scenario: Scenario.Scenario): Scenario.Job => {
  const [job] = scenario.jobs
  if (job === undefined) {
    throw new Error("a scenario has at least one job")
  }
  return job
}

const oldContent = (job: Scenario.Job): Uint8Array => new TextEncoder().encode(`what stood there before ${job.index}`)

const isEqual = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index])
