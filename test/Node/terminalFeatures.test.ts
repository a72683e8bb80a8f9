import { assert, describe, it } from "@effect/vitest"
import { hasTabProgress, isXtermJs } from "../../src/Node/terminalFeatures.js"

describe("progress in the tab", () => {
  for (const env of [
    { WT_SESSION: "1" },
    { ConEmuANSI: "ON" },
    { TERM_PROGRAM: "ghostty" },
    { TERM_PROGRAM: "WezTerm" },
    { TERM_PROGRAM: "vscode" },
    { TERM_PROGRAM: "iTerm.app", TERM_PROGRAM_VERSION: "3.6.6" },
    { TERM_PROGRAM: "iTerm.app", TERM_PROGRAM_VERSION: "3.10.0" },
    { TERM_PROGRAM: "iTerm.app", TERM_PROGRAM_VERSION: "4.0" },
    { VTE_VERSION: "8000" },
    { KONSOLE_VERSION: "260400" },
    { TERM_PROGRAM: "mintty", TERM_PROGRAM_VERSION: "3.4.2" },
    { TERM: "xterm-ghostty" }
  ]) {
    it(`is sent with ${JSON.stringify(env)}, and not through a multiplexer`, () => {
      assert.isTrue(hasTabProgress(env))
      assert.isFalse(hasTabProgress({ ...env, TMUX: "/tmp/tmux-0/default,1,0" }))
      assert.isFalse(hasTabProgress({ ...env, STY: "1.pts" }))
      assert.isFalse(hasTabProgress({ ...env, TERM: "tmux-256color" }))
    })
  }

  for (const env of [
    {},
    { TERM: "xterm-256color" },
    { TERM: "xterm-kitty" },
    { ConEmuANSI: "OFF" },
    { TERM_PROGRAM: "Apple_Terminal" },
    { TERM_PROGRAM: "iTerm.app" },
    { TERM_PROGRAM: "iTerm.app", TERM_PROGRAM_VERSION: "3.6.5" },
    { TERM_PROGRAM: "iTerm.app", TERM_PROGRAM_VERSION: "3.5.14" },
    { VTE_VERSION: "7802" },
    { KONSOLE_VERSION: "251203" },
    { TERM_PROGRAM: "mintty", TERM_PROGRAM_VERSION: "3.4.1" },
    // kitty and foot, started from GNOME Terminal
    { TERM: "xterm-kitty", VTE_VERSION: "8000" },
    { TERM: "foot", VTE_VERSION: "8000" },
    { TERM: "foot-extra", VTE_VERSION: "8000" }
  ]) {
    it(`is not sent with ${JSON.stringify(env)}`, () => {
      assert.isFalse(hasTabProgress(env))
    })
  }
})

describe("xterm.js", () => {
  it("is known by its program", () => {
    assert.isTrue(isXtermJs({ TERM_PROGRAM: "vscode" }))
    assert.isFalse(isXtermJs({ TERM_PROGRAM: "ghostty" }))
    assert.isFalse(isXtermJs({}))
  })
})
