/**
 * One run of the downloader as its checks see it. If the first run does not complete, further runs follow on the same disk.
 */
import type * as Download from "../../src/Download.js"
import type { OriginGovernor } from "../../src/OriginGovernor.js"
import type * as Disk from "../../src/testing/Disk.js"
import type * as Origin from "../../src/testing/Origin.js"
import type { World } from "../../src/testing/World.js"
import type * as Scenario from "./Scenario.js"

/** A request to the downloader, and the job that it belongs to. */
export interface Asked {
  readonly id: string
  readonly job: Scenario.Job
  readonly request: Download.DownloadRequest
}

export interface Life {
  readonly scenario: Scenario.Scenario
  readonly asked: ReadonlyArray<Asked>
  readonly disk: Disk.Disk
  /** Each run has a world of its own. */
  readonly world: World
  /** Undefined before the layers are built. */
  readonly origin: typeof Origin.Origin.Service | undefined
  /** Undefined before the layers are built. */
  readonly governor: typeof OriginGovernor.Service | undefined
  /** True for each run after the first. */
  readonly isSecondLife: boolean
  readonly hasLostPower: boolean
  /** The job whose destination another program has written. */
  readonly intruded: Scenario.Job | undefined
  /** The job at whose destination another program has made a directory. */
  readonly obstructed: Scenario.Job | undefined
  readonly violate: (what: string) => void
}
