/**
 * The machine of the command line, on Node. A part that only some commands need is loaded when they use it.
 */
import { fstatSync, readFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { Worker } from "node:worker_threads"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Host } from "../../Cli/Host.js"
import * as BucketUrl from "../../Cli/run/bucketUrl.js"
import { fromCause } from "../../DownloadError/diskErrors.js"
import type { Disk } from "../../DownloadError.js"
import { Screen } from "../../Screen.js"
import * as Descriptors from "../descriptors.js"
import { flagsDirectory } from "../flagsDirectory.js"
import * as StandardOutput from "./output/standardOutput.js"
import * as Deadline from "./process/deadline.js"
import type { Signals } from "./process/signals.js"
import * as Terminals from "./process/terminals.js"
import * as Argv from "./start/argv.js"
import type { WorkerRole } from "./threads/workerRole.js"

export const layer = (signals: Signals, workerUrl: URL): Layer.Layer<Host, never, Screen> =>
  Layer.effect(
    Host,
    Effect.map(Screen, (screen) => ({
      notUtf8: Argv.notUtf8,
      get flagsDirectory() {
        return flagsDirectory()
      },
      stdout: {
        get isTerminal() {
          return Terminals.supportsEscapes(process.stdout)
        },
        get isScreen() {
          return screenStream === process.stdout && screen.isTerminal
        },
        write: StandardOutput.write,
        writeSoon: StandardOutput.writeSoon,
        isFull: StandardOutput.isFull
      },
      reportPage: Effect.try({
        try: () => readFileSync(new URL("report.html", import.meta.url), "utf8"),
        catch: (cause) => fromCause("report.html", cause)
      }),
      listen: (address) =>
        lazily(
          () => import("../HttpServer.js"),
          (module) => module.layer(address)
        ),
      transport: (options) =>
        Effect.flatMap(
          Effect.promise(() => import("./network.js")),
          ({ transport }) => transport(options)
        ),
      exporter: (options) =>
        Effect.flatMap(
          Effect.promise(() => import("./otlp.js")),
          ({ start }) => start(options)
        ),
      store: lazily(
        () => import("../Store.js"),
        (module) => module.layer
      ),
      bucket: (url, network) =>
        lazily(
          () => import("./bucket.js"),
          (module) => module.layer(url, network)
        ),
      environment: process.env,
      stateJournal: (options) =>
        lazily(
          () => import("../Journal.js"),
          (module) => module.layerWith(options)
        ),
      connectionsAtMost: () => Descriptors.connections.atMost(),
      unfinishedParts: (directory, options) =>
        Stream.unwrap(
          BucketUrl.isIn(directory)
            ? Effect.map(
                Effect.promise(() => import("./bucket.js")),
                ({ leftovers }) => leftovers(directory)
              )
            : Effect.map(
                Effect.promise(() => import("./unfinishedParts.js")),
                ({ find }) => find(directory, options)
              )
        ),
      owner: Effect.flatMap(
        Effect.promise(() => import("../processTable.js")),
        (processes) => Effect.map(processes.own, ({ own }) => own)
      ),
      writeProblem: (descriptor) =>
        Effect.map(
          Effect.promise(() => import("./output/writeProblem.js")),
          ({ writeProblem }) => writeProblem(descriptor)
        ),
      outputStore: (output, onWait) =>
        lazily(
          () => import("./output/outputStore.js"),
          (module) => module.layer(output, onWait)
        ),
      askPassword: (prompt) =>
        Effect.flatMap(
          Effect.promise(() => import("./passwordPrompt.js")),
          ({ ask }) => ask(prompt)
        ),
      batches: (database) =>
        lazily(
          () => import("./batches.js"),
          ({ client }) => client(database)
        ),
      runner: (options) =>
        lazily(
          () => import("./batches.js"),
          ({ runner }) => runner(options)
        ),
      fleetGovernor: (runner, limits) =>
        lazily(
          () => import("./batches.js"),
          ({ fleetGovernor }) => fleetGovernor(runner, limits)
        ),
      shardProcesses: (options) =>
        lazily(
          () => import("./shards/pool.js"),
          (module) => module.layer(fileURLToPath(workerUrl), options)
        ),
      tarStore: (options) =>
        Effect.flatMap(
          Effect.promise(() => import("./batches.js")),
          ({ tarStore }) => tarStore(options)
        ),
      processors: () => availableParallelism(),
      stoppingWithin: (limit) => Deadline.stoppingWithin(signals, limit),
      stdin: Stream.suspend(() =>
        // Node reads a directory as empty input.
        fstatSync(0).isDirectory()
          ? Stream.fail(fromCause("standard input", { code: "EISDIR" }))
          : NodeStream.fromReadable<Disk, Uint8Array>(
              () => process.stdin,
              (cause) => fromCause("standard input", cause)
            )
      ),
      read: (path, isPipe) =>
        Stream.unwrap(
          Effect.map(
            Effect.promise(() => import("./process/pipes.js")),
            (module) => module.read(path, isPipe)
          )
        ),
      flagWorkers: lazily(
        () => import("@effect/platform-node/NodeWorker"),
        (module) => module.layer(() => new Worker(workerUrl, { workerData: { halyard: "flags" } satisfies WorkerRole }))
      ),
      useDumbTerminal: Terminals.useDumb,
      withoutSignalHandlers: signals.withoutHandlers,
      block: Effect.map(
        Effect.promise(() => import("./threads/blocking.js")),
        ({ block, blockWithSpinner }) =>
          (duration, spinner) =>
            spinner === undefined ? block(duration) : blockWithSpinner(signals, screen, workerUrl, duration, spinner)
      ),
      run: (commandLine, print) =>
        Effect.flatMap(
          Effect.promise(() => import("./childCommand.js")),
          ({ run }) => run(signals, commandLine, print)
        )
    }))
  )

const screenStream = StandardOutput.screen()

const lazily = <M, A, E, R>(load: () => Promise<M>, use: (module: M) => Layer.Layer<A, E, R>): Layer.Layer<A, E, R> =>
  Layer.unwrapEffect(Effect.map(Effect.promise(load), use))
