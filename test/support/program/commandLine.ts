/**
 * Runs command lines in this process, as far as they need no machine: help, completions and refusals.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Cli from "../../../src/Cli.js"
import { Screen } from "../../../src/Screen.js"
import * as Spinner from "../../../src/Spinner.js"
import { Store } from "../../../src/Store.js"

const store = Layer.mock(Store, { prepare: () => Effect.void })

const none = Layer.die("no part of a machine in this test")

export const version = "1.2.3"

export interface Answer {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

// The place for the data of a run.
const place = `<script type="application/json" id="run">null</script>`

/** A machine that can do nothing but write. */
export const hostWith = (
  write: (text: string) => void,
  reportPage: (typeof Cli.Host.Service)["reportPage"] = Effect.succeed(place)
): Layer.Layer<Cli.Host> =>
  Layer.mock(Cli.Host, {
    notUtf8: () => undefined,
    flagsDirectory: "",
    reportPage,
    store,
    outputStore: () => store,
    bucket: () => store,
    stateJournal: () => none,
    owner: Effect.succeed("0"),
    writeProblem: () => Effect.succeed(undefined),
    unfinishedParts: () => Stream.empty,
    transport: () => Effect.succeed(() => none),
    listen: () => none,
    flagWorkers: none,
    batches: () => none,
    runner: () => none,
    fleetGovernor: () => none,
    shardProcesses: () => none,
    tarStore: () => Effect.die("no tar"),
    processors: () => 1,
    stoppingWithin: () => identity,
    environment: {},
    connectionsAtMost: () => 1,
    askPassword: () => Effect.succeed(undefined),
    stdin: Stream.empty,
    read: () => Stream.empty,
    useDumbTerminal: () => {},
    stdout: { isTerminal: false, isScreen: false, write, writeSoon: (text) => write(text()), isFull: () => false }
  })

/** What the command line prints. An action that needs the network or a disk dies. */
export const answer = (argv: ReadonlyArray<string>): Effect.Effect<Answer> =>
  Effect.suspend(() => {
    let [stdout, stderr] = ["", ""]
    const write = (text: string) => {
      stdout += text
    }
    const host = hostWith(write)
    const screen = Layer.succeed(Screen, {
      isTerminal: false,
      write: (text) => {
        stderr += text
      },
      isBusy: () => false,
      columns: () => 80,
      rows: () => 24
    })
    return Cli.run(argv, version).pipe(
      Effect.map((exitCode) => ({ exitCode, stdout, stderr })),
      Effect.provide(
        Layer.mergeAll(host, NodeFileSystem.layer, NodePath.layer, Layer.provideMerge(Spinner.layer, screen))
      )
    )
  })

/** Checks that each command line is refused with this sentence, exit code 2 and nothing on standard output. */
export const refuses = (cases: ReadonlyArray<readonly [line: ReadonlyArray<string>, sentence: string | RegExp]>) =>
  Effect.gen(function* () {
    for (const [line, sentence] of cases) {
      const { exitCode, stderr, stdout } = yield* answer(line)
      assert.deepStrictEqual([exitCode, stdout], [2, ""], line.join(" "))
      if (typeof sentence === "string") {
        assert.strictEqual(stderr, `${sentence}\n`)
      } else {
        assert.match(stderr, /^halyard(?: [a-z]+)?: [^\n]+\n$/)
        assert.match(stderr, sentence)
      }
    }
  })
