import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/package/**"],
    testTimeout: 30_000,
    // A program that is run for a test shall not think that it runs in a pipeline or with somebody's preferences.
    env: { NO_COLOR: "", FORCE_COLOR: "", TERM: "xterm-256color" }
  }
})
