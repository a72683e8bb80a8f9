/**
 * Standard error as a screen.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as Screen from "../Screen.js"
import { hasTabProgress, isXtermJs } from "./terminalFeatures.js"

/**
 * Returns true if a stream supports escape sequences: it is a terminal, and `TERM` is not `dumb`.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isTerminal = (stream: { readonly isTTY?: boolean }): boolean =>
  stream.isTTY === true && process.env["TERM"] !== "dumb"

/**
 * Standard error as a screen.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Screen.Screen> = Layer.sync(Screen.Screen, () => ({
  isTerminal: isTerminal(process.stderr),
  write: (text) => {
    process.stderr.write(text)
  },
  isBusy: () => process.stderr.writableLength > 0,
  // A terminal of unknown size has 0 columns and 0 rows.
  columns: () => process.stderr.columns || 80,
  // Node observes NO_COLOR and FORCE_COLOR.
  hasColors: process.stderr.isTTY && process.stderr.hasColors(),
  hasTabProgress: hasTabProgress(process.env),
  movesCursorOnWrap: isXtermJs(process.env),
  rows: () => process.stderr.rows || 24
}))
