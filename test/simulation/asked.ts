/**
 * The requests of a scenario.
 */
import * as Download from "../../src/Download.js"
import type { Asked } from "./Life.js"
import { secretFor } from "./promises.js"
import type * as Scenario from "./Scenario.js"
import * as Served from "./served.js"

/** The request for a job, the `order`-th of its run. */
export const ask = (scenario: Scenario.Scenario, index: number, order: number): Asked => {
  const job = scenario.jobs[index] ?? firstJob(scenario)
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
      deadline: scenario.deadlineMillis,
      headers: { "X-Secret": secretFor(job.origin) },
      digest: job.hasDigest ? Served.digestOf(job) : undefined,
      mirrors: job.mirrors.length === 0 ? undefined : job.mirrors.map(({ origin }) => `${origin}${job.path}`),
      resume: scenario.lives === undefined ? undefined : true
    })
  }
}

export const firstJob = (scenario: Scenario.Scenario): Scenario.Job => {
  const [job] = scenario.jobs
  if (job === undefined) {
    throw new Error("a scenario has at least one job")
  }
  return job
}
