/**
 * Runs the real downloader several times on one simulated disk, with a journal. Between the runs, the origins and other programs
 * change files. `RerunChecks.ts` checks each run.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Download from "../../../src/Download.js"
import type { DownloadEvent } from "../../../src/DownloadEvent.js"
import * as Downloader from "../../../src/Downloader.js"
import { OriginGovernor } from "../../../src/OriginGovernor.js"
import * as Progress from "../../../src/Progress.js"
import * as DirectStore from "../../../src/Store/Direct.js"
import * as FileSystemStore from "../../../src/Store/FileSystem.js"
import * as Disk from "../../../src/testing/Disk.js"
import * as Origin from "../../../src/testing/Origin.js"
import { World } from "../../../src/testing/World.js"
import { Draw } from "../Draw.js"
import { forgetFibers } from "../forgetFibers.js"
import * as Subject from "../subject.js"
import { drawPlan } from "./drawPlan.js"
import { isAsRecorded, isEqual, namedFiles } from "./expected.js"
import { linesOf } from "./journalLines.js"
import * as Journals from "./journals.js"
import { type Change, changedAt, type Ending, type Item, type Plan, pathOf, type Run, startOf } from "./Plan.js"
import { RerunChecks } from "./RerunChecks.js"
import { Version } from "./versions.js"

export interface Result {
  readonly violations: ReadonlyArray<string>
  readonly trace: ReadonlyArray<string>
  readonly steps: number
}

/** Runs the plan of a seed. Does not throw. */
export const run = (seed: number): Result => {
  const reruns = new Reruns(drawPlan(seed))
  reruns.live()
  return reruns
}

const limits = { atMost: Duration.minutes(50), stepsAtMost: 50_000 }

class Reruns implements Result {
  readonly trace: Array<string> = []
  readonly violations: Array<string> = []
  steps = 0
  readonly versions: Array<Version>
  readonly disk: Disk.Disk
  private readonly from: Draw
  private readonly checks: RerunChecks
  private world: World
  private origin: typeof Origin.Origin.Service | undefined
  private governor: typeof OriginGovernor.Service | undefined
  private index = 0
  private turns = new Map<number, number>()
  private replies = 0
  private operations = 0

  constructor(readonly plan: Plan) {
    this.world = new World(plan.seed, limits)
    this.from = new Draw(plan.seed ^ 0x2545f491)
    this.versions = plan.items.map((item) => Version.first(item))
    this.disk = new Disk.Disk({ fate: (operation) => this.fateOf(operation), onDone: (done) => this.onDone(done) })
    this.checks = new RerunChecks(this)
  }

  live(): void {
    for (const [index, run] of this.plan.runs.entries()) {
      this.index = index
      this.world = new World(this.plan.seed * 8 + index, limits)
      this.origin = undefined
      this.governor = undefined
      this.turns = new Map()
      this.replies = 0
      this.operations = 0
      this.prepare(run)
      this.note(`rerun ${index + 1}; ${run.ending.kind}`)
      this.checks.onRun()
      const how = this.runOnce(run)
      this.steps += this.world.steps()
      if (how._tag === "deadlock" || how._tag === "budget") {
        this.violate(`rerun ${index + 1} does not end: ${how._tag}`)
        return
      }
      if (how._tag === "done") {
        if (how.exit._tag === "Failure" && run.ending.kind !== "close") {
          this.violate(`rerun ${index + 1} fails: ${how.exit.cause}`)
        }
        this.checkNothingLeft()
      } else {
        forgetFibers(this.world)
        if (run.ending.kind === "power") {
          this.disk.powerCut(this.from.real)
        } else {
          this.disk.kill()
        }
      }
      this.checks.checkDisk(how._tag !== "done" && run.ending.kind === "power")
      if (how._tag === "done" && run.ending.kind !== "close") {
        this.checks.checkComplete(run.faults)
      }
      if (this.violations.length > 0) {
        return
      }
    }
  }

  violate(what: string): void {
    this.note(`BROKEN ${what}`)
    this.violations.push(what)
  }

  readonly nowMillis = (): number => startOf(this.index) + this.world.now()

  private note(text: string): void {
    this.trace.push(`${this.index + 1}/${String(this.world.now()).padStart(5)} ${text}`)
  }

  /** Changes the versions of the origins, the files and the journal as the plan says. */
  private prepare({ changes, journal }: Run): void {
    for (const item of this.plan.items) {
      const change = changes[item.index]
      const version = this.versions[item.index]
      if (change === undefined || version === undefined) {
        continue
      }
      this.versions[item.index] = version.after(change, this.index)
      if (this.index === 0) {
        this.putBefore(item, version)
      } else {
        this.changeFile(pathOf(item), change.local)
      }
    }
    const path = Journals.fileOf(this.plan.journal)
    const content = this.disk.files().get(path)
    if (content !== undefined && journal !== "kept") {
      this.note(`the journal is ${journal}`)
      this.disk.remove(path)
      if (journal === "torn") {
        this.disk.put(path, content.subarray(0, this.from.below(content.length + 1)))
      }
    }
  }

  private putBefore({ before, index }: Item, { content }: Version): void {
    const item = this.plan.items[index]
    if (item !== undefined && before !== "nothing") {
      const isOld = this.from.chance(0.5)
      const { disk, origin } = changedAt(0)
      const found = before === "the content" ? content : content.map((byte) => byte ^ 0x5a)
      this.disk.put(pathOf(item), found, undefined, isOld ? origin - 1000 * 3600 : disk)
    }
  }

  private changeFile(path: string, local: Change["local"]): void {
    const found = this.disk.files().get(path)
    if (found === undefined || local === "none") {
      return
    }
    this.note(`${path} is ${local}`)
    this.change(path, found, local)
    const now = this.disk.files().get(path)
    if (now === undefined || !isEqual(now, found)) {
      this.checks.onChanged(path)
    }
  }

  private change(path: string, found: Uint8Array, local: Exclude<Change["local"], "none">): void {
    const at = changedAt(this.index).disk
    const time = this.disk.times().get(path)
    switch (local) {
      case "removed":
        this.disk.remove(path)
        return
      case "truncated":
        this.disk.put(path, found.subarray(0, Math.floor(found.length / 2)), undefined, time)
        return
      case "edited":
        this.disk.put(
          path,
          found.map((byte, index) => (index === 0 ? byte ^ 1 : byte)),
          undefined,
          at
        )
        return
      case "longer":
        this.disk.put(path, Uint8Array.of(...found, 10), undefined, time)
        return
      case "touched":
        this.disk.put(path, found, undefined, at)
        return
      case "swapped":
        this.swap(path)
    }
  }

  /** Puts a copy of another file in the place of a file, with its time. */
  private swap(path: string): void {
    const files = namedFiles(this.disk.files(), this.disk.times())
    const [other] = Array.from(files).filter(([name]) => name !== path)
    const found = files.get(path)
    if (other === undefined || found === undefined) {
      return
    }
    const [, { content, modifiedMillis }] = other
    const line = linesOf(this.disk.files().get(Journals.fileOf(this.plan.journal)) ?? new Uint8Array(), "/d/").findLast(
      (one) => one.path === path
    )
    // No program can tell a copy with the same size and time.
    const isHidden = !isEqual(content, found.content) && isAsRecorded({ content, modifiedMillis }, line)
    this.disk.put(path, content, undefined, isHidden ? changedAt(this.index).disk : modifiedMillis)
  }

  private requests(): ReadonlyArray<Download.DownloadRequest> {
    return this.versions.map(({ digest, item, requestUrl }) =>
      Download.request({
        id: `${item.index}`,
        url: requestUrl,
        destination: item.destination,
        onExists: item.onExists,
        ...(item.serverName === undefined ? {} : { nameFrom: "server" as const }),
        ...(item.hasDigest ? { digest } : {}),
        ...(this.plan.resumes ? { resume: true } : {})
      })
    )
  }

  private get layer() {
    const { plan } = this
    const store = plan.isDirect
      ? DirectStore.layer(this.disk.calls(), plan.isShortOfMemory ? Subject.smallLimits : undefined)
      : FileSystemStore.layer
    return Subject.layer(plan).pipe(
      Layer.provideMerge(
        Layer.mergeAll(
          Layer.provide(store, this.disk.layer),
          Journals.layer(plan, this.disk, (text) => this.note(text)),
          Origin.layer(
            (request) => this.reply(request),
            (request, reply) => this.onReply(request, reply)
          ),
          Progress.layer((event) => Effect.sync(() => this.onEvent(event)))
        )
      )
    )
  }

  private runOnce({ ending, intruder }: Run) {
    const program = Effect.gen(this, function* () {
      const downloader = yield* Downloader.Downloader
      this.origin = yield* Origin.Origin
      this.governor = yield* OriginGovernor
      const { concurrency, isStream } = this.plan
      yield* isStream
        ? Stream.runDrain(downloader.run(Stream.fromIterable(this.requests()), { concurrency }))
        : Effect.flatMap(
            Effect.forEach(this.requests(), (request) => Effect.fork(Effect.exit(downloader.download(request)))),
            Fiber.awaitAll
          )
    })
    const root = this.world.fork(
      Effect.scoped(
        Effect.flatMap(Effect.uninterruptible(Layer.build(Layer.fresh(this.layer))), (context) =>
          Effect.provide(program, context)
        )
      ).pipe(Effect.withClock(later(this.world.clock, startOf(this.index))))
    )
    if (ending.kind === "close") {
      this.world.at(ending.step, () => root.unsafeInterruptAsFork(root.id()))
    }
    if (isCrash(ending) && ending.at === "step") {
      this.world.at(ending.count, () => this.crash())
    }
    if (intruder !== undefined) {
      this.world.at(intruder.step, () => this.intrude(intruder))
    }
    return this.world.resume(root)
  }

  private intrude({ isOfSameSize, item }: NonNullable<Run["intruder"]>): void {
    const version = this.versions[item]
    if (version === undefined || this.disk.files().has(pathOf(version.item))) {
      return
    }
    const path = pathOf(version.item)
    const content = new Uint8Array(version.content.length + (isOfSameSize ? 0 : 3)).fill(7)
    this.note(`another program makes ${path}`)
    this.disk.put(path, content, undefined, this.nowMillis())
    this.checks.onIntruder(item, path, content)
  }

  private crash(): void {
    this.note("the process ends")
    this.world.halt()
  }

  private reply(request: Origin.Request): Origin.Reply {
    const version = this.versions.find(({ finalUrl, requestUrl }) => [finalUrl, requestUrl].includes(request.url))
    const headers = ["range", "if-range", "if-none-match", "if-modified-since"].flatMap((name) =>
      request.headers[name] === undefined ? [] : [`${name}: ${request.headers[name]}`]
    )
    this.note(`GET ${request.url} ${headers.join(" ")}`)
    if (version === undefined) {
      this.violate(`${request.url} was requested, and nobody has asked for it`)
      return { status: 404 }
    }
    this.checks.onRequest(request, version)
    if (request.url !== version.finalUrl) {
      return { delay: 5, status: 302, headers: { "content-length": "0", location: version.finalUrl } }
    }
    const { index } = version.item
    const turn = this.turns.get(index) ?? 0
    this.turns.set(index, turn + 1)
    return version.reply(request, this.plan.runs[this.index]?.faults[index]?.[turn], this.nowMillis())
  }

  private onReply({ url }: Origin.Request, { instead, status = 200 }: Origin.Reply): void {
    this.note(`  ${url}: ${instead ?? status}`)
    const ending = this.ending
    if (isCrash(ending) && ending.at === "reply" && this.replies++ === ending.count) {
      this.crash()
    }
  }

  private get ending(): Ending {
    return this.plan.runs[this.index]?.ending ?? { kind: "complete" }
  }

  private fateOf({ name, path }: Disk.Operation): Disk.Fate {
    const { ending } = this
    if (isCrash(ending) && ending.at === "disk" && this.operations++ === ending.count) {
      this.note(`  disk ${name} ${path} is not carried out`)
      this.crash()
    }
    if (this.world.isHalted()) {
      return { never: true }
    }
    return this.plan.isDirect && path === Journals.fileOf("directory") ? {} : { delayMillis: this.from.below(4) }
  }

  private onDone(operation: Disk.Operation): void {
    if (operation.name !== "look") {
      this.note(`  disk ${operation.name} ${operation.path} ${operation.to ?? ""}`)
    }
    this.checks.onOperation(operation)
  }

  private onEvent(event: DownloadEvent): void {
    if (event._tag === "Retrying") {
      this.note(`Retrying ${event.request.id} after ${event.error.message}`)
    }
    if (event._tag === "Finished") {
      const { outcome } = event
      const detail =
        outcome._tag === "Failed" ? outcome.error.message : outcome._tag === "Skipped" ? outcome.reason : ""
      this.note(`${outcome._tag} ${outcome.request.id} ${detail}`)
      this.checks.onOutcome(outcome)
    }
  }

  private checkNothingLeft(): void {
    const { disk, governor, origin, world } = this
    const left =
      world.livingFibers().length +
      world.pendingTimers() +
      disk.descriptors() +
      (origin?.open() ?? 0) +
      (governor?.inUse().permits ?? 0)
    if (left > 0) {
      this.violate("fibers, timers, descriptors, connections or permits are left")
    }
  }
}

const isCrash = (ending: Ending): ending is Extract<Ending, { readonly kind: "kill" | "power" }> =>
  ending.kind === "kill" || ending.kind === "power"

/** A clock that is ahead of another one. */
const later = (clock: Clock.Clock, byMillis: number): Clock.Clock => ({
  ...clock,
  unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis() + byMillis,
  unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos() + BigInt(byMillis) * 1_000_000n,
  currentTimeMillis: Effect.map(clock.currentTimeMillis, (millis) => millis + byMillis),
  currentTimeNanos: Effect.map(clock.currentTimeNanos, (nanos) => nanos + BigInt(byMillis) * 1_000_000n)
})
