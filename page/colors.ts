// The colours of the style sheet, for the canvas.
import type { Phase } from "../src/RunRecord/data.js"
import { phases } from "./format.js"

export interface Colors {
  readonly phases: { readonly [phase in Phase | "unknown"]: string }
  readonly failed: string
  readonly text: string
  readonly muted: string
  readonly line: string
  readonly surface: string
  readonly accent: string
}

const read = (): Colors => {
  const style = getComputedStyle(document.documentElement)
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim()
  const found = {
    permit: "",
    lookup: "",
    connect: "",
    tls: "",
    firstByte: "",
    body: "",
    delay: "",
    finish: "",
    unknown: of("line")
  }
  for (const phase of phases) {
    found[phase] = of(phase)
  }
  return {
    phases: found,
    failed: of("bad"),
    text: of("text"),
    muted: of("muted"),
    line: of("line"),
    surface: of("surface"),
    accent: of("accent")
  }
}

let current: Colors | undefined

export const colors = (): Colors => {
  current ??= read()
  return current
}

/** Calls a function when the colours have changed: with the colour scheme, and for print. */
export const onChange = (listener: () => void): void => {
  const changed = (): void => {
    current = undefined
    listener()
  }
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", changed)
  }
}
