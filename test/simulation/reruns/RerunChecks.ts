/**
 * The promises about files that are there before a run, as checks at every request, every operation on a final name, every outcome,
 * and at the end of each run.
 */
import type * as Download from "../../../src/Download.js"
import type { Disk, Operation } from "../../../src/testing/Disk.js"
import type { Request } from "../../../src/testing/Origin.js"
import {
  type Expected,
  expectedOf,
  isAsRecorded,
  isEqual,
  type LocalFile,
  mayHavePath,
  namedFiles,
  pathBefore
} from "./expected.js"
import { type Line, linesOf } from "./journalLines.js"
import { fileOf } from "./journals.js"
import { type Plan, pathOf } from "./Plan.js"
import type { Version } from "./versions.js"

/** What the checks see of a run. */
export interface Seen {
  readonly plan: Plan
  readonly disk: Disk
  /** The versions that the origins have, one for each item. */
  readonly versions: ReadonlyArray<Version>
  readonly nowMillis: () => number
  readonly violate: (what: string) => void
}

interface Intrusion {
  readonly content: Uint8Array
  /** Whether the transfer had looked at the path before. */
  readonly isLate: boolean
}

export class RerunChecks {
  private readonly outcomes = new Map<number, Download.DownloadOutcome>()
  private readonly requests = new Map<number, number>()
  /** The files and the last lines for their paths, before the run. */
  private files: ReadonlyMap<string, LocalFile> = new Map()
  private lines: ReadonlyMap<string, Line> = new Map()
  /** What a power cut may bring back: an earlier run was killed before the sync of the directory. */
  private unsynced: ReadonlyMap<string, ReadonlyArray<Uint8Array | undefined>> = new Map()
  /** The path of each item, and what its request must do with the file there. */
  private paths: ReadonlyArray<string> = []
  private expected: ReadonlyArray<Expected | undefined> = []
  private startedAt = 0
  /** The sizes and times that files have had, by path. A line that says anything else is wrong. */
  private readonly described = new Set<string>()
  /** The paths of files that were taken for the right ones because of their size. */
  private readonly excused = new Set<string>()
  private readonly intrusions = new Map<string, Intrusion>()
  private hasParts = false

  constructor(private readonly seen: Seen) {}

  onRun(): void {
    const { disk, plan, versions } = this.seen
    this.outcomes.clear()
    this.requests.clear()
    this.intrusions.clear()
    this.startedAt = this.seen.nowMillis()
    this.files = this.named()
    this.unsynced = disk.unsynced()
    this.lines = this.lastLines()
    this.hasParts = Array.from(disk.files().keys()).some((name) => name.endsWith(".part"))
    for (const path of this.files.keys()) {
      this.describe(path)
    }
    this.paths = versions.map((version) => pathBefore(version, this.files, this.lines))
    this.expected = versions.map((version) => {
      const path = this.pathOf(version)
      return expectedOf(plan, version, this.files.get(path), this.lines.get(path))
    })
    for (const version of versions) {
      const path = this.pathOf(version)
      if (this.expected[version.item.index]?.outcome === "same-size") {
        this.excuse(path, this.files.get(path), version)
      }
    }
  }

  /** Another program has changed a file between two runs. */
  onChanged(path: string): void {
    this.excused.delete(path)
  }

  onIntruder(index: number, path: string, content: Uint8Array): void {
    const version = this.seen.versions[index]
    if (version !== undefined) {
      this.describe(path)
      this.intrusions.set(path, { content, isLate: version.item.serverName === undefined && this.countOf(index) > 0 })
      this.excuse(path, { content, modifiedMillis: undefined }, version)
    }
  }

  onRequest(request: Request, version: Version): void {
    const { index, onExists } = version.item
    const path = this.pathOf(version)
    this.requests.set(index, this.countOf(index) + 1)
    if (this.expected[index]?.requests === 0 && !this.intrusions.has(path)) {
      this.seen.violate(`${request.url} was requested, although ${path} is ${this.expected[index]?.outcome}`)
    }
    const { "if-modified-since": since, "if-none-match": tag, range } = request.headers
    if ((since ?? tag) === undefined) {
      return
    }
    const [file, line] = [this.named().get(path), this.lines.get(path)]
    if (onExists !== "sync" || version.item.hasDigest || range !== undefined) {
      this.seen.violate(`${request.url} was requested with a condition`)
    }
    if (!isAsRecorded(file, line)) {
      this.seen.violate(`a condition was sent for ${path}, which is not as it was recorded`)
    }
    if (line?.finalUrl !== request.url || line.url !== version.requestUrl) {
      this.seen.violate(`${request.url} received the validators of ${line?.finalUrl}, for ${line?.url}`)
    }
    if (line?.etag !== tag || line?.lastModified !== since) {
      this.seen.violate(`${request.url} received the validators ${tag} and ${since}, which were not recorded`)
    }
  }

  onOperation({ name, path, to }: Operation): void {
    if (name === "write" && path === this.journalFile) {
      this.checkLines()
    }
    if (to !== undefined && this.named().has(to)) {
      this.describe(to)
      this.checkContent(to, "during the run")
    }
  }

  onOutcome(outcome: Download.DownloadOutcome): void {
    const index = Number(outcome.request.id)
    const version = this.seen.versions[index]
    if (version === undefined || this.outcomes.has(index)) {
      this.seen.violate(`${outcome.request.id} has two outcomes, or is unknown`)
      return
    }
    this.outcomes.set(index, outcome)
    const path = pathOfOutcome(outcome)
    const file = this.named().get(path)
    if (outcome._tag === "Saved") {
      this.checkSaved(outcome, version, "at its Finished")
      this.checkTime(outcome, version, file)
      this.excused.delete(path)
    } else if (outcome._tag === "NotModified") {
      if (file === undefined || !(isEqual(file.content, version.content) || this.excused.has(path))) {
        this.seen.violate(`${path} is NotModified, and is not what the origin has`)
      }
    } else if (outcome._tag === "Skipped") {
      this.checkSkipped(outcome, version, path, file)
    }
  }

  private checkSkipped(
    { reason }: Download.Skipped,
    version: Version,
    path: string,
    file: LocalFile | undefined
  ): void {
    const { item } = version
    const isAllowed =
      file !== undefined &&
      {
        exists: item.onExists === "skip",
        recorded:
          (item.onExists === "update" || item.hasDigest) &&
          isAsRecorded(file, this.lines.get(path)) &&
          this.lines.get(path)?.url === version.requestUrl,
        verified: item.hasDigest && isEqual(file.content, version.content),
        "same-size": !item.hasDigest && item.onExists !== "fail" && file.content.length === version.content.length
      }[reason]
    // The file of a digest is right, from whichever URL it came.
    const isDigest =
      reason === "recorded" && item.hasDigest && file !== undefined && isEqual(file.content, version.content)
    if (!(isAllowed || isDigest)) {
      this.seen.violate(`${path} is skipped as ${reason}, and is not`)
    }
    if (item.hasDigest && (file === undefined || !isEqual(file.content, version.content)) && reason !== "exists") {
      this.seen.violate(`${path} is skipped as ${reason}, and has another digest`)
    }
  }

  /** Checks what the end of a run leaves, however it has ended. */
  checkDisk(isPowerCut: boolean): void {
    const { versions } = this.seen
    const files = this.named()
    for (const path of files.keys()) {
      this.checkContent(path, "at the end", isPowerCut)
    }
    for (const path of this.files.keys()) {
      if (!files.has(path) && !(isPowerCut && this.unsynced.get(path)?.includes(undefined))) {
        this.seen.violate(`${path} is lost`)
      }
    }
    for (const outcome of this.outcomes.values()) {
      const version = versions[Number(outcome.request.id)]
      if (outcome._tag === "Saved" && version !== undefined) {
        this.checkSaved(outcome, version, "at the end")
      }
    }
    this.checkLines()
  }

  /** Checks a run that has completed: each request has the right outcome, and the next run needs no request. */
  checkComplete(faults: Plan["runs"][number]["faults"]): void {
    const lines = this.lastLines()
    const files = this.named()
    for (const version of this.seen.versions) {
      const { index, serverName } = version.item
      const outcome = this.outcomes.get(index)
      const expected = this.expected[index]
      const said = saidBy(outcome)
      const isIntruded = this.intrusions.has(this.pathOf(version))
      const isResumed = this.hasParts && said === "Saved"
      // The server has named the file before the request was repeated.
      const isRepeated = serverName !== undefined && faults[index]?.length !== 0 && said === "NotModified"
      const isRefusable =
        isIntruded || expected?.outcome === "refused" || (expected === undefined && version.item.onExists === "fail")
      if (said === undefined || (said === "refused" && !isRefusable)) {
        this.seen.violate(`${index} has no file in the end: ${said}`)
      }
      if (expected !== undefined && said !== expected.outcome && !isIntruded && !isResumed && !isRepeated) {
        this.seen.violate(`${this.pathOf(version)} is ${said}, not ${expected.outcome}`)
      }
      const isPlain = expected !== undefined && faults[index]?.length === 0 && !isIntruded && !this.hasParts
      if (isPlain && this.countOf(index) !== expected.requests) {
        this.seen.violate(`${index} took ${this.countOf(index)} requests, not ${expected.requests}`)
      }
      if (
        outcome === undefined ||
        said === "refused" ||
        said === "exists" ||
        (serverName !== undefined && isIntruded)
      ) {
        continue
      }
      const path = pathOfOutcome(outcome)
      const isOwnName = version.item.onExists === "unique" || isIntruded
      if (expected !== undefined && !isOwnName && path !== this.pathOf(version)) {
        this.seen.violate(`${index} is ${said} at ${path}, not at ${this.pathOf(version)}`)
      }
      const line = lines.get(path)
      const isOfUrl = said === "recorded" || line?.url === version.requestUrl
      if (!isAsRecorded(files.get(path), line) || !isOfUrl) {
        this.seen.violate(`${path} is ${said}, and the journal does not know it`)
      }
      const isOfResponse =
        line?.finalUrl === version.finalUrl && line.etag === version.etag && line.lastModified === version.lastModified
      if ((said === "Saved" || said === "NotModified") && !isOfResponse) {
        this.seen.violate(`${path} is ${said}, and the journal has not what its response said`)
      }
    }
    this.checkPathsDiffer()
  }

  /** Two requests of a run never have one file. */
  private checkPathsDiffer(): void {
    const paths = Array.from(this.outcomes.values()).flatMap((outcome) =>
      outcome._tag === "Saved" ? [outcome.destination] : []
    )
    if (new Set(paths).size !== paths.length) {
      this.seen.violate(`two files have one name: ${paths.join(" ")}`)
    }
  }

  /** A name always has a whole file: that from before the run, that of another program, or the version that the origin has. */
  private checkContent(path: string, when: string, isPowerCut = false): void {
    const { versions } = this.seen
    const found = this.named().get(path)?.content
    const before = this.files.get(path)?.content
    const intrusion = this.intrusions.get(path)
    const writers = versions.filter((version) => mayHavePath(version, path))
    const isKept = found !== undefined && before !== undefined && isEqual(found, before)
    const isIntruder = found !== undefined && intrusion !== undefined && isEqual(found, intrusion.content)
    const isBack =
      isPowerCut &&
      found !== undefined &&
      this.unsynced.get(path)?.some((content) => content !== undefined && isEqual(found, content)) === true
    if (isKept || isIntruder || isBack) {
      return
    }
    if (found === undefined || !writers.some(({ content }) => isEqual(found, content))) {
      this.seen.violate(`${path} is not whole ${when}`)
    }
    const isProtected = writers.every(({ item: { onExists } }) => ["fail", "skip", "unique"].includes(onExists))
    if (
      (before !== undefined && isProtected) ||
      intrusion?.isLate === true ||
      (intrusion !== undefined && isProtected)
    ) {
      this.seen.violate(`${path} was overwritten ${when}`)
    }
  }

  private checkSaved({ bytes, destination }: Download.Saved, { content }: Version, when: string): void {
    const found = this.named().get(destination)?.content
    if (found === undefined || !isEqual(found, content) || bytes !== content.length) {
      this.seen.violate(`${destination} was saved, and is not what the origin has ${when}`)
    }
  }

  /** The time of a saved file is that of its `Last-Modified`, or of the publish. */
  private checkTime(
    { destination, modifiedMillis }: Download.Saved,
    { modifiedMillis: at }: Version,
    file: LocalFile | undefined
  ): void {
    const time = file?.modifiedMillis
    const nowMillis = this.seen.nowMillis()
    const isRight =
      at === undefined || at > nowMillis
        ? time !== undefined && time >= this.startedAt && time <= nowMillis
        : time === at
    if (!isRight || modifiedMillis !== time) {
      this.seen.violate(`${destination} has the time ${time}, and ${at} was expected`)
    }
  }

  /** Each line describes a file that was at its path. */
  private checkLines(): void {
    for (const { bytes, modifiedMillis, path } of this.allLines()) {
      if (!this.described.has(keyOf(path, bytes, modifiedMillis))) {
        this.seen.violate(`the journal describes ${path} with ${bytes} bytes, which was never there`)
      }
    }
  }

  private excuse(path: string, file: LocalFile | undefined, version: Version): void {
    if (file !== undefined && !isEqual(file.content, version.content)) {
      this.excused.add(path)
    }
  }

  private describe(path: string): void {
    const file = this.named().get(path)
    if (file !== undefined) {
      const { modifiedMillis } = file
      this.described.add(keyOf(path, file.content.length, modifiedMillis))
    }
  }

  private pathOf({ item }: Version): string {
    return this.paths[item.index] ?? pathOf(item)
  }

  private countOf(index: number): number {
    return this.requests.get(index) ?? 0
  }

  private named(): ReadonlyMap<string, LocalFile> {
    const { disk } = this.seen
    return namedFiles(disk.files(), disk.times())
  }

  private get journalFile(): string {
    return fileOf(this.seen.plan.journal)
  }

  private allLines(): ReadonlyArray<Line> {
    const content = this.seen.disk.files().get(this.journalFile)
    return content === undefined ? [] : linesOf(content, "/d/")
  }

  private lastLines(): ReadonlyMap<string, Line> {
    return new Map(this.allLines().map((line) => [line.path, line] as const))
  }
}

const keyOf = (path: string, bytes: number, modifiedMillis: number | undefined): string =>
  `${path} ${bytes} ${modifiedMillis === undefined ? "" : Math.floor(modifiedMillis)}`

const pathOfOutcome = (outcome: Download.DownloadOutcome): string =>
  ("destination" in outcome ? outcome.destination : undefined) ?? outcome.request.destination

const saidBy = (outcome: Download.DownloadOutcome | undefined): Expected["outcome"] | undefined => {
  switch (outcome?._tag) {
    case "Skipped":
      return outcome.reason
    case "Saved":
    case "NotModified":
      return outcome._tag
    case "Failed":
      return outcome.error._tag === "Disk" && outcome.error.reason === "exists" ? "refused" : undefined
    default:
      return undefined
  }
}
