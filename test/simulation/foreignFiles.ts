/**
 * The files that another program leaves between two runs.
 */
import type * as Disk from "../../src/testing/Disk.js"
import { recordNames } from "./keptParts.js"
import type * as Scenario from "./Scenario.js"
import * as Served from "./served.js"

/** Another program leaves parts without a record, or damages the records. */
export const leaveForeign = (
  scenario: Scenario.Scenario,
  disk: Disk.Disk,
  real: () => number,
  note: (text: string) => void
): void => {
  const { foreign } = scenario.lives ?? { foreign: "none" }
  const files = disk.files()
  if (foreign === "parts") {
    for (const [index, job] of scenario.jobs.entries()) {
      const name = `/d/.halyard-${String(index).padStart(22, "0")}-0-${job.destination.slice(3)}.part`
      disk.put(name, Served.contentOf(job, 1))
    }
  } else if (foreign !== "none") {
    for (const name of recordNames(files)) {
      const text = files.get(name) ?? new Uint8Array()
      const cut = Math.floor(text.length * real())
      note(`another program writes ${name}`)
      disk.put(
        name,
        foreign === "torn" ? text.slice(0, cut) : text.map((byte, index) => (index === cut ? byte ^ 1 : byte))
      )
    }
  }
}
