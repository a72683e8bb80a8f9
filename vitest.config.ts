import { defineConfig } from "vitest/config"

const source = new URL("src/", import.meta.url).pathname

export default defineConfig({
  // Examples import the package by its name, as their readers will.
  resolve: {
    alias: [
      { find: /^halyard$/, replacement: `${source}index.ts` },
      { find: /^halyard\/(.*)$/, replacement: `${source}$1.ts` }
    ]
  },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 30_000,
    // Much of the time is spent waiting; by default one processor of two would be left idle.
    maxWorkers: "100%",
    // A program that is run for a test shall not think that it runs in a pipeline or with somebody's preferences.
    env: { NO_COLOR: "", FORCE_COLOR: "", TERM: "xterm-256color" }
  }
})
