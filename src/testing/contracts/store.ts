/**
 * The contract of `Store`.
 *
 * @since 0.2.0
 */
import type { Case } from "./Case.js"
import * as Content from "./store/content.js"
import * as Endings from "./store/endings.js"
import * as Kept from "./store/kept.js"
import { caseOf, type Probe } from "./store/probe.js"
import * as Publishing from "./store/publishing.js"

export type { StoreProbe } from "./store/probe.js"

/**
 * The cases that every `Store` passes. `probe` is run for each case.
 *
 * @category contracts
 * @since 0.2.0
 */
export const store = (probe: Probe): ReadonlyArray<Case> =>
  [Content.cases, Publishing.cases, Endings.cases, Kept.cases].flatMap((cases) => cases(caseOf(probe)))
