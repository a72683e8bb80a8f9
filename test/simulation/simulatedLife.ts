/**
 * The runs of one seed, on one disk.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type * as Download from "../../src/Download.js"
import type { DownloadEvent } from "../../src/DownloadEvent.js"
import * as Downloader from "../../src/Downloader.js"
import { OriginGovernor } from "../../src/OriginGovernor.js"
import * as Progress from "../../src/Progress.js"
import * as DirectStore from "../../src/Store/Direct.js"
import * as FileSystemStore from "../../src/Store/FileSystem.js"
import { defaultLimits } from "../../src/Store/lazyFile.js"
import * as Disk from "../../src/testing/Disk.js"
import * as Origin from "../../src/testing/Origin.js"
import { World } from "../../src/testing/World.js"
import { ask, firstJob } from "./asked.js"
import { Draw } from "./Draw.js"
import { oldContent } from "./fileChecks.js"
import { leaveForeign } from "./foreignFiles.js"
import { forgetFibers } from "./forgetFibers.js"
import type { Asked, Life } from "./Life.js"
import { Promises } from "./promises.js"
import type * as Scenario from "./Scenario.js"
import * as Served from "./served.js"
import * as Subject from "./subject.js"

// Far longer than all waits of a run, and shorter than the time limit of an attempt.
const budget = Duration.minutes(50)

// Ten times the steps of the longest of 1500 runs. None of 5000 asks the disk for as many operations.
const limits = { atMost: budget, stepsAtMost: 50_000 }

const operationsAtMost = 20_000

export class SimulatedLife implements Life {
  readonly trace: Array<string> = []
  readonly violations: Array<string> = []
  readonly disk: Disk.Disk
  readonly asked: ReadonlyArray<Asked>
  world: World
  origin: typeof Origin.Origin.Service | undefined
  governor: typeof OriginGovernor.Service | undefined
  isSecondLife = false
  intruded: Scenario.Job | undefined
  obstructed: Scenario.Job | undefined
  hasLostPower = false
  private ending: Scenario.Ending
  private readonly promises = new Promises(this)
  private readonly from: Draw
  private readonly turns = new Map<number, number>()
  private replies = 0
  private operations = 0
  private operationsOfRun = 0
  private readonly operationsByName = new Map<string, number>()
  // An index into `asked`: the caller that requests a file at the moment of a cancellation.
  private readonly late: number | undefined
  private isLateDue = false
  private wakeLate: () => void = () => {}
  private interruptAtDisk: (() => void) | undefined

  constructor(readonly scenario: Scenario.Scenario) {
    this.world = new World(scenario.seed, limits)
    this.from = new Draw(scenario.seed ^ 0x5bd1e995)
    const { ending } = scenario
    this.ending = ending
    const late =
      ending.kind === "cancel" && ending.isAskedAgain && !scenario.isStream ? [scenario.asked[ending.job] ?? 0] : []
    this.asked = [...scenario.asked, ...late].map((index, order) => ask(scenario, index, order))
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
    this.note(`asked ${this.asked.map(({ id }) => id).join(" ")}; ${this.ending.kind}`)
    const how = this.runOnce()
    switch (how._tag) {
      case "deadlock":
        this.violate("deadlock: every fiber waits, and no timer is pending")
        return
      case "budget":
        this.violate(
          this.world.steps() < limits.stepsAtMost
            ? `a wait without a limit: the run is not done after ${Duration.format(budget)}`
            : `a loop without a limit: the run is not done after ${limits.stepsAtMost} steps`
        )
        return
      case "done":
        this.promises.checkEnd(how.exit)
        if (this.scenario.lives !== undefined && this.ending.kind !== "complete" && !isCrash(this.ending)) {
          this.disk.kill()
          this.furtherLives()
        }
        return
      case "halted":
        this.afterCrash()
        this.furtherLives()
    }
  }

  violate(what: string): void {
    this.note(`BROKEN ${what}`)
    this.violations.push(what)
  }

  private note(text: string): void {
    this.trace.push(`${String(this.world.now()).padStart(7)} ${text}`)
  }

  /** A downloader, and what it needs. */
  private layerOf(isTwin: boolean) {
    return Subject.layer(this.scenario).pipe(
      Layer.provideMerge(
        Layer.mergeAll(
          (this.scenario.isDirect
            ? DirectStore.layer(
                this.disk.calls(),
                this.scenario.isShortOfMemory ? Subject.smallLimits : { ...defaultLimits, syncs: Subject.syncs }
              )
            : FileSystemStore.layer
          ).pipe(Layer.provide(this.disk.layer)),
          Origin.layer(
            (request) => this.reply(request, isTwin),
            (request, reply) => this.onReply(request, reply)
          ),
          isTwin ? Progress.layer(() => Effect.void) : Progress.layer((event) => Effect.sync(() => this.onEvent(event)))
        )
      )
    )
  }

  /** Another process, which downloads the same files. */
  private twin(): Effect.Effect<void> {
    const step = this.isSecondLife ? undefined : this.scenario.lives?.twin?.step
    if (step === undefined) {
      return Effect.void
    }
    const begun = Effect.async<void>((resume) => this.world.at(step, () => resume(Effect.void)))
    // Not `forEach` with a concurrency: if it starts on a fiber that was interrupted just before, it waits forever.
    const program = Effect.gen(this, function* () {
      const downloader = yield* Downloader.Downloader
      const two = yield* Effect.makeSemaphore(2)
      const fibers = yield* Effect.forEach(this.asked, ({ request }) =>
        Effect.fork(two.withPermits(1)(Effect.exit(downloader.download(request))))
      )
      yield* Fiber.awaitAll(fibers)
    })
    return Effect.zipRight(
      Effect.timeoutOption(begun, "10 seconds"),
      Effect.scoped(
        Effect.flatMap(Effect.uninterruptible(Layer.build(Layer.fresh(this.layerOf(true)))), (context) =>
          Effect.provide(program, context)
        )
      )
    )
  }

  private runOnce() {
    const { ending } = this
    const layer = this.layerOf(false)
    const fibers: Array<Fiber.RuntimeFiber<unknown, unknown>> = []
    const program = Effect.gen(this, function* () {
      const downloader = yield* Downloader.Downloader
      this.origin = yield* Origin.Origin
      this.governor = yield* OriginGovernor
      const twin = yield* Effect.fork(this.twin())
      const requests = this.asked.map(({ request }) => request)
      if (this.scenario.isStream) {
        const given: Array<Download.DownloadOutcome> = []
        yield* Stream.runForEach(
          downloader.run(Stream.fromIterable(requests), { concurrency: this.scenario.concurrency }),
          (outcome) => Effect.sync(() => given.push(outcome))
        )
        this.promises.onStreamEnd(given)
      } else {
        for (const [order, request] of requests.entries()) {
          const moment = order === this.late && !this.isSecondLife ? this.untilAsked() : Effect.void
          fibers.push(yield* Effect.fork(Effect.exit(Effect.zipRight(moment, downloader.download(request)))))
        }
        yield* Fiber.awaitAll(fibers.filter((_, order) => order !== this.late))
        this.askLate()
        yield* Fiber.awaitAll(fibers)
      }
      yield* Fiber.await(twin)
    })
    // Layers are built uninterruptibly: layers that Effect builds in parallel wait for each other forever if they are interrupted.
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
          this.note(`another program makes a ${intruder.makes} ${job.destination}`)
          if (intruder.makes === "file") {
            this.disk.put(job.destination, oldContent(job))
            this.intruded = job
          } else {
            this.disk.putDirectory(job.destination)
            this.obstructed = job
          }
        }
      })
    }
    if (isCrash(ending) && ending.at === "step") {
      this.world.at(ending.count, () => this.crash())
    }
    return this.world.resume(root)
  }

  private untilAsked(): Effect.Effect<void> {
    return Effect.async((resume) => {
      if (this.isLateDue) {
        resume(Effect.void)
      } else {
        this.wakeLate = () => resume(Effect.void)
      }
    })
  }

  // The late caller may not have begun to wait yet.
  private askLate(): void {
    this.isLateDue = true
    this.wakeLate()
  }

  private jobOf(ending: Scenario.Ending): number {
    return ending.kind === "cancel" ? ending.job : -1
  }

  private crash(): void {
    this.note("the process ends")
    this.world.halt()
  }

  private reply(request: Origin.Request, isTwin: boolean): Origin.Reply {
    const url = new URL(request.url)
    const job = this.scenario.jobs.find(({ path }) => path === url.pathname) ?? firstJob(this.scenario)
    const headers = ["range", "if-range"].flatMap((name) =>
      request.headers[name] === undefined ? [] : [`${name}: ${request.headers[name]}`]
    )
    this.note(`GET ${request.url} ${headers.join(" ")}`)
    this.promises.onRequest(request, job, isTwin)
    const mirror = job.mirrors.find(({ origin }) => origin === url.origin)
    if (mirror !== undefined) {
      const turn = this.isSecondLife ? job.faults.length + 1 : (this.turns.get(job.index) ?? 0)
      return Served.replyOfMirror(job, mirror, request, Served.versionAt(job, turn))
    }
    if (this.isSecondLife) {
      return Served.replyTo({ ...job, isDripping: false }, request, job.faults.length + 1, 0)
    }
    if (url.search === "?loop") {
      return { status: 302, headers: { location: "?loop" } }
    }
    const turn = this.turns.get(job.index) ?? 0
    this.turns.set(job.index, turn + 1)
    return Served.replyTo(job, request, turn, this.world.now() + 5)
  }

  private onReply(request: Origin.Request, reply: Origin.Reply): void {
    this.note(
      `  ${request.url}: ${reply.instead ?? `${reply.status ?? 200} ${reply.headers?.["retry-after"] ?? ""}`}${reply.breakAt === undefined ? "" : ` until ${reply.breakAt.how} at ${reply.breakAt.bytes}`}`
    )
    this.promises.onReply(request, reply)
    const { ending } = this
    if (isCrash(ending) && ending.at === "reply" && this.replies++ === ending.count) {
      this.crash()
    }
  }

  private fateOf(operation: Disk.Operation): Disk.Fate | undefined {
    const { ending } = this
    const { diskFault } = this.scenario
    this.operationsOfRun++
    if (this.operationsOfRun === operationsAtMost) {
      this.violate(`a loop without a limit: the disk was asked for ${operationsAtMost} operations`)
      this.world.halt()
    }
    if (isCrash(ending) && ending.at === "disk" && this.operations++ === ending.count) {
      this.note(`  disk ${operation.name} ${operation.path} is not carried out`)
      this.crash()
    }
    if (this.world.isHalted()) {
      return { never: true }
    }
    if (this.isSecondLife) {
      return { delayMillis: 1 }
    }
    if (this.interruptAtDisk !== undefined && this.operations++ === this.scenario.interruptAtDisk) {
      this.interruptAtDisk()
    }
    const count = this.operationsByName.get(operation.name) ?? 0
    this.operationsByName.set(operation.name, count + 1)
    const isSync = operation.name.startsWith("sync")
    const delayMillis = this.from.below(4) + (isSync ? this.scenario.syncMillis : 0)
    if (diskFault === undefined || diskFault.operation !== operation.name || diskFault.count > count) {
      return { delayMillis }
    }
    return diskFault.takesNothing === true
      ? { delayMillis, takesBytes: 0 }
      : { delayMillis, errno: diskFault.count === count ? diskFault.errno : undefined }
  }

  private onDone(operation: Disk.Operation): void {
    if (operation.name !== "look") {
      this.note(`  disk ${operation.name} ${operation.path} ${operation.to ?? ""}`)
    }
    this.promises.onOperation(operation)
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
    this.promises.onEvent(event)
  }

  private afterCrash(): void {
    forgetFibers(this.world)
    this.promises.checkLimits()
    if (this.ending.kind === "power") {
      this.hasLostPower = true
      this.disk.powerCut(this.from.real)
    } else {
      this.disk.kill()
    }
    this.note(`left: ${Array.from(this.disk.files(), ([name, { length }]) => `${name} (${length})`).join(" ")}`)
    this.promises.checkKept()
  }

  /** The runs after the first. The last of them completes. */
  private furtherLives(): void {
    leaveForeign(
      this.scenario,
      this.disk,
      () => this.from.real(),
      (text) => this.note(text)
    )
    const endings: ReadonlyArray<Scenario.Ending> = [...(this.scenario.lives?.endings ?? []), { kind: "complete" }]
    for (const [index, ending] of endings.entries()) {
      this.isSecondLife = true
      this.ending = ending
      this.replies = 0
      this.operations = 0
      this.operationsOfRun = 0
      this.promises.onNextLife()
      this.disk.options = { ...this.disk.options, descriptors: undefined }
      this.world = new World(this.scenario.seed + 1 + index, limits)
      this.note(`run ${index + 2}; ${ending.kind}`)
      const how = this.runOnce()
      if (how._tag === "done") {
        this.promises.checkLaterLife(how.exit)
        return
      }
      if (how._tag !== "halted") {
        this.violate(`run ${index + 2} does not end: ${how._tag}`)
        return
      }
      this.afterCrash()
    }
  }
}

const isCrash = (ending: Scenario.Ending): ending is Extract<Scenario.Ending, { readonly kind: "kill" | "power" }> =>
  ending.kind === "kill" || ending.kind === "power"
