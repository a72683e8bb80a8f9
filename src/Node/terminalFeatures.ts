/**
 * What a terminal can do, as far as its environment variables tell.
 */

type Environment = Readonly<Record<string, string | undefined>>

/** Visual Studio Code and its relatives, and Hyper, have xterm.js as their terminal. */
export const isXtermJs = ({ TERM_PROGRAM }: Environment): boolean =>
  TERM_PROGRAM === "vscode" || TERM_PROGRAM === "Hyper"

/**
 * Whether the terminal shows progress in its tab or in the task bar (OSC 9;4 of ConEmu). An older iTerm2, kitty, foot and others show
 * a notification instead, so only terminals that are known get it. Terminal multiplexers do not pass it on.
 */
export const hasTabProgress = (env: Environment): boolean => {
  const { TERM = "" } = env
  // A terminal that was started from another one also has the variables of that one. `TERM` is its own.
  if (env["TMUX"] !== undefined || env["STY"] !== undefined || /^(?:screen|tmux|xterm-kitty|foot)/.test(TERM)) {
    return false
  }
  return (
    env["WT_SESSION"] !== undefined ||
    env["ConEmuANSI"] === "ON" ||
    // ssh passes on `TERM` only.
    TERM === "xterm-ghostty" ||
    (shownBy[env["TERM_PROGRAM"] ?? ""]?.(env["TERM_PROGRAM_VERSION"] ?? "") ?? false) ||
    // GNOME Terminal and its relatives since VTE 0.79, and Konsole since 26.04.
    Number(env["VTE_VERSION"]) >= 7900 ||
    Number(env["KONSOLE_VERSION"]) >= 260_400
  )
}

// Earlier versions of Ghostty, WezTerm and Visual Studio Code ignore the sequence.
const shownBy: { readonly [program in string]?: (version: string) => boolean } = {
  ghostty: () => true,
  WezTerm: () => true,
  vscode: () => true,
  mintty: (version) => isAtLeast(version, [3, 4, 2]),
  "iTerm.app": (version) => isAtLeast(version, [3, 6, 6])
}

const isAtLeast = (version: string, least: ReadonlyArray<number>): boolean => {
  const parts = version.split(".").map((part) => Number.parseInt(part, 10) || 0)
  const differing = least.findIndex((part, index) => (parts[index] ?? 0) !== part)
  return differing === -1 || (parts[differing] ?? 0) > (least[differing] ?? 0)
}
