// The beginning of the page: what happened, what failed, and where the time went.
import { longWaitSentence } from "../src/internal/text/longWaitText.js"
import type { OutcomeCounts, ShardsData } from "../src/RunRecord/data.js"
import { outcomes } from "../src/RunRecord/data.js"
import { leftoverSentences } from "../src/RunRecord/leftoverText.js"
import { element, section, swatch } from "./dom.js"
import * as Format from "./format.js"
import type { Run } from "./run.js"

const total = (counts: OutcomeCounts): number => outcomes.reduce((sum, outcome) => sum + counts[outcome], 0)

const isDone = (counts: OutcomeCounts): number => counts.saved + counts.skipped + counts.notModified

/** The answer to the first question about a run. */
const answerOf = (
  counts: OutcomeCounts,
  hasFailuresOnly: boolean,
  name: "run" | "batch"
): { readonly text: string; readonly kind: string } => {
  const all = total(counts)
  const files = all === 1 ? "file" : "files"
  const stopped = counts.cancelled + counts.notStarted + counts.unfinished
  if (all === 0) {
    return { text: `The ${name} had no files`, kind: "partial" }
  }
  if (hasFailuresOnly) {
    return { text: `${Format.plural(all, "file")} failed. The lines are of a run with --quiet`, kind: "bad" }
  }
  if (counts.failed === all) {
    return { text: all === 1 ? "The file failed" : `All ${Format.count(all)} files failed`, kind: "bad" }
  }
  if (counts.failed > 0) {
    const rest = stopped > 0 ? `, and ${Format.count(stopped)} did not end` : ""
    return { text: `${Format.count(counts.failed)} of ${Format.count(all)} ${files} failed${rest}`, kind: "bad" }
  }
  if (stopped > 0) {
    return {
      text: `The ${name} was stopped after ${Format.count(isDone(counts))} of ${Format.count(all)} ${files}`,
      kind: "partial"
    }
  }
  return counts.saved === all
    ? { text: all === 1 ? "The file was saved" : `All ${Format.count(all)} files were saved`, kind: "good" }
    : { text: all === 1 ? "The file is there" : `All ${Format.count(all)} files are there`, kind: "good" }
}

const dateOf = (millis: number): string =>
  new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" }).format(new Date(millis))

export const head = ({ data }: Run): ReadonlyArray<HTMLElement> => {
  const { counts } = data
  const { shards } = data
  const { kind, text } =
    (shards && batchAnswer(shards)) ?? answerOf(counts, data.hasFailuresOnly, shards === undefined ? "run" : "batch")
  document.title = `${text} – halyard report`
  const rate = data.elapsedMillis === 0 ? "–" : `${Format.size((1000 * data.receivedBytes) / data.elapsedMillis)}/s`
  const facts: ReadonlyArray<readonly [string, string]> = [
    ...outcomes.flatMap((outcome) =>
      counts[outcome] > 0 || outcome === "saved" || outcome === "failed"
        ? [[Format.outcomeNames[outcome], Format.count(counts[outcome])] as const]
        : []
    ),
    ["saved size", Format.size(data.savedBytes)],
    ...(shards === undefined ? [["received", Format.size(data.receivedBytes)] as const] : []),
    ["elapsed", Format.time(data.elapsedMillis)],
    ["mean rate", rate],
    ...(shards === undefined
      ? ([
          ["requests", Format.count(data.requests)],
          ["retries", Format.count(data.retries)],
          ["requests at a time", Format.count(data.openAtMost)]
        ] as const)
      : ([
          ["files a second", filesPerSecond(shards)],
          ["shards", Format.count(shards.total)],
          ["attempts", Format.count(shards.attempts)],
          ["shards at a time", Format.count(shards.openAtMost)]
        ] as const))
  ]
  return [
    element(
      "div",
      { class: `answer ${kind}` },
      element(
        "p",
        { class: "kicker" },
        `halyard report${shards === undefined ? "" : ` · batch ${shards.batch}`} · ${dateOf(data.beganAtMillis)}`
      ),
      element("h1", { id: "answer" }, text),
      element(
        "p",
        { class: "muted" },
        shards === undefined ? originsOf(data.origins.map(({ origin }) => origin)) : runnersOf(shards)
      )
    ),
    element(
      "dl",
      { class: "facts", "aria-label": "Totals" },
      ...facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)))
    ),
    ...leftoverSentences(data.leftovers).map((sentence) => element("p", { class: "leftovers" }, sentence))
  ]
}

/** The answer for a batch that has not ended. */
const batchAnswer = ({ counts, state }: ShardsData): { readonly text: string; readonly kind: string } | undefined =>
  state === "ended" || state === "cancelled"
    ? undefined
    : {
        text: `The batch is ${state}: ${Format.count(total(counts) - counts.unfinished)} of ${Format.plural(total(counts), "file")} have an outcome`,
        kind: counts.failed > 0 ? "bad" : "partial"
      }

const filesPerSecond = ({ counts, elapsedMillis }: ShardsData): string =>
  elapsedMillis === 0 ? "–" : ((1000 * (isDone(counts) + counts.failed)) / elapsedMillis).toPrecision(3)

const runnersOf = ({ origins }: ShardsData): string =>
  origins.length === 0 ? "no runner has begun it" : `by ${Format.plural(origins.length, "runner")}`

const originsOf = (origins: ReadonlyArray<string>): string => {
  const named = origins.filter((origin) => origin !== "")
  return named.length === 0
    ? "no origin was asked"
    : named.length <= 3
      ? `from ${named.join(", ")}`
      : `from ${named.slice(0, 3).join(", ")} and ${Format.plural(named.length - 3, "other origin")}`
}

export const failures = ({ data }: Run): HTMLElement | undefined =>
  data.counts.failed === 0
    ? undefined
    : section(
        "what-failed",
        "What failed",
        element(
          "ul",
          { class: "plain kinds" },
          ...data.failures
            .slice(0, kindsShown(data.failures.length))
            .map(({ count, phase, reason }) =>
              element(
                "li",
                {},
                element("span", { class: "count" }, Format.count(count)),
                element(
                  "span",
                  {},
                  reason,
                  ...(phase === "" ? [] : [element("span", { class: "muted" }, ` · phase: ${phase}`)])
                )
              )
            )
        ),
        ...(data.failures.length > kindsShown(data.failures.length)
          ? [element("p", { class: "muted" }, `and ${Format.plural(data.failures.length - kindsAtMost, "other kind")}`)]
          : []),
        ...(data.hints.length === 0
          ? []
          : [
              element("h3", { id: "what-helps" }, "What may help"),
              element(
                "ul",
                { class: "hints", "aria-labelledby": "what-helps" },
                ...data.hints.map((hint) => element("li", {}, hint))
              )
            ]),
        element(
          "p",
          {},
          element(
            "a",
            { href: "#failed" },
            data.shards === undefined
              ? "Each failed file, with its phase and retries"
              : "The failed files, with their reasons"
          )
        )
      )

const kindsAtMost = 8

/** A last kind is shown in the row that would count it. */
const kindsShown = (kinds: number): number => (kinds === kindsAtMost + 1 ? kinds : kindsAtMost)

export const whereTimeWent = ({ data, words }: Run): HTMLElement => {
  const all = Format.phases.reduce((sum, phase) => sum + data.phases[phase], 0)
  const shown = Format.phases.filter((phase) => data.phases[phase] > 0)
  const percents = Format.percents(shown.map((phase) => data.phases[phase]))
  const longest = shown.reduce((one, other) => (data.phases[other] > data.phases[one] ? other : one), "body")
  const bar = element("div", { class: "bar", "aria-hidden": "true" })
  for (const phase of shown) {
    const part = element("span", { "data-color": phase })
    part.style.flexGrow = `${data.phases[phase] / Math.max(1, all)}`
    bar.append(part)
  }
  return section(
    "where-time-went",
    "Where the time went",
    element(
      "p",
      {},
      all === 0
        ? `No ${words.one} took a millisecond.`
        : `In ${percents[shown.indexOf(longest)]} of their time, ${words.many} ${words.remarks[longest]}.`
    ),
    bar,
    element(
      "ul",
      { class: "plain legend", "aria-label": words.phasesOfAll },
      ...shown.map((phase, index) =>
        element(
          "li",
          {},
          swatch(phase),
          `${words.phases[phase]} ${percents[index]} (${Format.time(data.phases[phase])})`
        )
      )
    ),
    ...longWaits(data)
  )
}

const longWaitsAtMost = 5

/** Why transfers have waited for a second or longer. */
const longWaits = ({ longWaits: waits }: Run["data"]): ReadonlyArray<HTMLElement> =>
  waits.length === 0
    ? []
    : [
        element("h3", { id: "long-waits" }, "Why transfers waited"),
        element(
          "ul",
          { class: "plain kinds", "aria-labelledby": "long-waits" },
          ...[...waits]
            .sort((one, other) => other.transfers - one.transfers)
            .slice(0, longWaitsAtMost)
            .map((wait) =>
              element(
                "li",
                {},
                element("span", { class: "count" }, Format.count(wait.transfers)),
                element("span", {}, longWaitSentence(wait))
              )
            )
        )
      ]

export const outcomeBar = ({ data }: Run): HTMLElement => {
  const shown = outcomes.filter((outcome) => data.counts[outcome] > 0)
  const bar = element("div", { class: "bar", "aria-hidden": "true" })
  for (const outcome of shown) {
    const part = element("span", { "data-color": outcome })
    part.style.flexGrow = `${data.counts[outcome]}`
    bar.append(part)
  }
  const percents = Format.percents(shown.map((outcome) => data.counts[outcome]))
  return section(
    "outcomes",
    "Outcomes",
    bar,
    element(
      "ul",
      { class: "plain legend", "aria-label": "Outcomes by kind" },
      ...shown.map((outcome, index) =>
        element(
          "li",
          {},
          swatch(outcome),
          `${Format.count(data.counts[outcome])} ${Format.outcomeNames[outcome]} (${percents[index]})`
        )
      )
    )
  )
}
