/**
 * The promises about kept parts, as checks of a simulated run.
 */
import type * as Download from "../../src/Download.js"
import type { DownloadError } from "../../src/DownloadError.js"
import type * as Origin from "../../src/testing/Origin.js"
import { type KeptPart, keptParts, partIds, partSizes, recordNames } from "./keptParts.js"
import type { Life } from "./Life.js"
import type * as Scenario from "./Scenario.js"
import * as Served from "./served.js"

export class KeptChecks {
  private idsBefore: ReadonlyArray<string> = []
  /** The parts that this run can continue and has not requested yet. */
  private readonly continuable = new Map<string, KeptPart>()

  constructor(
    private readonly life: Life,
    private readonly outcomes: ReadonlyMap<string, Download.DownloadOutcome>
  ) {}

  onNextLife(): void {
    const files = this.life.disk.files()
    this.idsBefore = partIds(files)
    this.continuable.clear()
    for (const part of keptParts(files, this.life.hasLostPower)) {
      this.continuable.set(part.destination, part)
    }
  }

  /** Checks how many bytes of a part the end of the process has lost. */
  checkLost(): void {
    const files = this.life.disk.files()
    const kept = keptParts(files, false)
    for (const { destination, sizeBytes } of partSizes(files)) {
      const job = this.life.scenario.jobs.find((one) => one.destination === destination)
      const known = kept.filter((part) => part.destination === destination)
      const keptBytes = Math.max(0, ...known.map(({ bytes }) => bytes))
      // A file that was published has lost nothing, although its part is still there.
      if (job?.validator === "strong" && !files.has(destination) && sizeBytes - keptBytes > lostBytesAtMost) {
        this.life.violate(`${sizeBytes - keptBytes} bytes of ${destination} are lost`)
      }
    }
  }

  /** The first request of a run for a file whose part was kept is for the rest. */
  onRequest(request: Origin.Request, job: Scenario.Job): void {
    const part = this.continuable.get(job.destination)
    this.continuable.delete(job.destination)
    const version = Served.versionAt(job, job.faults.length + 1)
    const isSame = part?.validator === Served.tagOf(job, version)
    const isOnce = this.life.asked.filter((asked) => asked.job === job).length === 1
    if (part === undefined || !isSame || !isOnce || part.bytes === 0) {
      return
    }
    if (request.headers["range"] === undefined || request.headers["if-range"] !== part.validator) {
      this.life.violate(`${request.url} was requested whole, although ${part.bytes} bytes of it were kept`)
    }
  }

  /** Checks the parts that a run leaves which was not killed: those that its outcomes tell of, and only if they are of use. */
  checkParts(): void {
    const files = this.life.disk.files()
    const parts = partIds(files)
    const told = Array.from(this.outcomes.values()).filter((outcome) => "keptBytes" in outcome)
    for (const outcome of told) {
      const job = this.life.asked.find(({ id }) => id === outcome.request.id)?.job
      if (job !== undefined && job.validator !== "strong" && !job.hasDigest) {
        this.life.violate(`${outcome.request.id} has kept a part of an unknown version`)
      }
      if (outcome._tag === "Failed" && isAboutContent(outcome.error)) {
        this.life.violate(`${outcome.request.id} has kept a part after ${outcome.error._tag}`)
      }
    }
    // The outcomes of another process are not known.
    if (this.life.scenario.lives?.twin !== undefined) {
      return
    }
    if (parts.length > told.length) {
      this.life.violate(`${parts.length} parts are left, and ${told.length} were kept`)
    }
    // A later request of the run for the same destination has continued the part and saved the file.
    const saved = new Set(
      Array.from(this.outcomes.values()).flatMap((outcome) =>
        outcome._tag === "Saved" ? [outcome.request.destination] : []
      )
    )
    const destinations = new Set<string>()
    for (const outcome of this.outcomes.values()) {
      const { destination } = outcome.request
      if ("keptBytes" in outcome && !saved.has(destination)) {
        destinations.add(destination)
      } else if (outcome._tag === "Failed" && isAboutContent(outcome.error)) {
        // A later request for the same destination has continued the part, and found that its content is wrong.
        destinations.delete(destination)
      }
    }
    if (parts.length < destinations.size) {
      this.life.violate(`${destinations.size} parts were kept, and ${parts.length} are there`)
    }
    if (recordNames(files).length > parts.length) {
      this.life.violate("a record without a part is left")
    }
  }

  /** Checks that the last run leaves no part of its own but those that its outcomes tell of. */
  checkNewParts(): void {
    const left = partIds(this.life.disk.files()).filter((id) => !this.idsBefore.includes(id))
    const told = Array.from(this.outcomes.values()).filter((outcome) => "keptBytes" in outcome)
    if (left.length > told.length) {
      this.life.violate(`parts of the last run are left: ${left.join(" ")}`)
    }
  }
}

const isAboutContent = (error: DownloadError): boolean =>
  error._tag === "Mismatch" ||
  error._tag === "TooLarge" ||
  (error._tag === "HttpStatus" && (error.status === 404 || error.status === 410))

// More than the store keeps in memory, two steps between checkpoints, and a few chunks.
const lostBytesAtMost = 8000
