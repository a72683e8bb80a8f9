/**
 * The promises about files, as checks of a simulated run.
 */
import type * as Download from "../../src/Download.js"
import type { Life } from "./Life.js"
import * as Scenario from "./Scenario.js"
import * as Served from "./served.js"

/** The content of a destination that exists before the run. */
export const oldContent = (job: Scenario.Job): Uint8Array =>
  new TextEncoder().encode(`what stood there before ${job.index}`)

export class FileChecks {
  constructor(
    private readonly life: Life,
    private readonly outcomes: ReadonlyMap<string, Download.DownloadOutcome>
  ) {}

  checkFiles(): void {
    for (const job of this.life.scenario.jobs) {
      this.checkName(job, "at the end")
    }
    const outcomes = Array.from(this.outcomes.values())
    this.checkOwnNames(outcomes)
    // Destinations that a request has written, or may have written.
    const written = new Set(
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
      const isUnwritten = !written.has(destination) && this.life.scenario.lives?.twin === undefined
      if ((outcome._tag === "Cancelled" || outcome._tag === "Failed") && isUnwritten) {
        const job = this.life.asked.find((one) => one.id === id)?.job
        const found = this.life.disk.files().get(destination)
        if (found !== undefined && job !== undefined && !(this.wasThere(job) && isEqual(found, oldContent(job)))) {
          this.life.violate(`${id} is ${outcome._tag}, and ${destination} is there`)
        }
      }
    }
  }

  /** Each request with `onExists: "unique"` has its own name, and a whole file under that name. */
  private checkOwnNames(outcomes: ReadonlyArray<Download.DownloadOutcome>): void {
    for (const job of this.life.scenario.jobs.filter(({ onExists }) => onExists === "unique")) {
      const own = outcomes.flatMap((outcome) =>
        outcome._tag === "Saved" && outcome.request.destination === job.destination ? [outcome.destination] : []
      )
      if (new Set(own).size !== own.length) {
        this.life.violate(`two requests have one name: ${own.join(" ")}`)
      }
      for (const [name, content] of this.life.disk.files()) {
        if (name.startsWith(`${job.destination}-`) && !this.isSomeVersion(job, content)) {
          this.life.violate(`${name} is not whole`)
        }
      }
    }
  }

  /** A final name always has a whole file: a version of the file, or the content from before the run. */
  checkName(job: Scenario.Job, when: string): void {
    const found = this.life.disk.files().get(job.destination)
    if (found === undefined) {
      if (this.wasThere(job)) {
        this.life.violate(`the former content of ${job.destination} is lost ${when}`)
      }
      return
    }
    const isOld = this.wasThere(job) && isEqual(found, oldContent(job))
    if (!isOld && this.wasThere(job) && job.onExists !== "overwrite") {
      this.life.violate(`${job.destination} was overwritten although its request does not allow that`)
    }
    if (!isOld && !this.isSomeVersion(job, found)) {
      this.life.violate(`${job.destination} is not whole ${when}`)
    }
  }

  private wasThere(job: Scenario.Job): boolean {
    return job.isThere || this.life.intruded === job
  }

  private isSomeVersion(job: Scenario.Job, found: Uint8Array): boolean {
    const others = job.hasDigest ? [] : job.mirrors.filter(Scenario.isOther)
    if (others.some((mirror) => isEqual(found, Served.contentOfMirror(job, mirror, 0)))) {
      return true
    }
    return Array.from({ length: Scenario.versionsOf(job) }, (_, version) => Served.contentOf(job, version)).some(
      (content, version) =>
        isEqual(found, content) && (!job.hasDigest || version === Scenario.versionsOf(job) - 1 || job.sizeBytes === 0)
    )
  }

  /** Without syncs, nothing is promised after a power cut. */
  holdsAfterCrash(): boolean {
    return !this.life.hasLostPower || this.life.scenario.durability === "full"
  }

  checkSaved(outcome: Download.Saved, when: string): void {
    const found = this.life.disk.files().get(outcome.destination)
    // Another process may have saved another version.
    const isIntruded =
      this.life.intruded?.destination === outcome.destination || this.life.scenario.lives?.twin !== undefined
    // A later request for the same destination may have saved another version.
    const isOfOther = Array.from(this.outcomes.values()).some(
      (other) => other._tag === "Saved" && other.destination === outcome.destination && other.bytes === found?.length
    )
    if (found === undefined || !(isOfOther || isIntruded)) {
      this.life.violate(`${outcome.request.id} was reported as saved, and its file is not there ${when}`)
    }
  }
}

const isEqual = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index])
