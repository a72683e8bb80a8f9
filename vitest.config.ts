import { defineConfig } from "vitest/config"
import { useTemporaryRoot } from "./test/support/temporaryRoot.js"

useTemporaryRoot()

const source = new URL("src/", import.meta.url).pathname

// A limit is long: it ends a test that hangs, and says nothing about how fast the machine is.
const hangs = 10 * 60_000

// `npm test` leaves out the files named *.slow.test.ts. `npm run test:all` and the gate run every file.
export default defineConfig({
  test: {
    include: ["test/**/*.test.{ts,mjs}"],
    setupFiles: ["test/support/turnAfterEach.ts"],
    // Examples import the package by its name, as their readers will.
    alias: [
      { find: /^halyard$/, replacement: `${source}index.ts` },
      { find: /^halyard\/S3Store$/, replacement: `${source}Store/S3.ts` },
      { find: /^halyard\/TarStore$/, replacement: `${source}Store/Tar.ts` },
      { find: /^halyard\/(.*)$/, replacement: `${source}$1.ts` }
    ],
    // The files of a worker share their modules: loading Effect takes longer than most files' tests.
    pool: "forks",
    poolOptions: { forks: { isolate: false } },
    // By default, one processor of two stays idle.
    maxWorkers: "100%",
    // A failure prints the whole value.
    chaiConfig: { truncateThreshold: 0 },
    testTimeout: hangs,
    hookTimeout: hangs,
    // The program under test must see neither a pipeline nor a user's preferences.
    env: { NO_COLOR: "", FORCE_COLOR: "", TERM: "xterm-256color" }
  }
})
