import { defineConfig } from "vitest/config"

const source = new URL("src/", import.meta.url).pathname

// Tests that watch real processes and threads: one at a time, after the others, so that they meet no load but their own.
const watching = ["test/program/**/*.test.ts", "test/parity/{S1,S2,S5,S7,executor}*.test.ts"]

const common = {
  // Examples import the package by its name, as their readers will.
  alias: [
    { find: /^halyard$/, replacement: `${source}index.ts` },
    { find: /^halyard\/(.*)$/, replacement: `${source}$1.ts` }
  ],
  testTimeout: 30_000,
  // A program that is run for a test shall not think that it runs in a pipeline or with somebody's preferences.
  env: { NO_COLOR: "", FORCE_COLOR: "", TERM: "xterm-256color" }
}

export default defineConfig({
  test: {
    // Much of the time is spent waiting; by default one processor of two would be left idle.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          ...common,
          name: "library",
          include: ["test/**/*.test.ts"],
          exclude: watching,
          sequence: { groupOrder: 0 }
        }
      },
      {
        test: {
          ...common,
          name: "program",
          include: watching,
          poolOptions: { forks: { singleFork: true } },
          sequence: { groupOrder: 1 }
        }
      }
    ]
  }
})
