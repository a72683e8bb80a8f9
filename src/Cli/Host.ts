/**
 * What the commands need from the machine, beyond the services of `@effect/platform`.
 *
 * @since 0.1.0
 */
import type * as HttpServer from "@effect/platform/HttpServer"
import type { ServeError } from "@effect/platform/HttpServerError"
import type * as Worker from "@effect/platform/Worker"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import type { Batches } from "../cluster/Batches.js"
import type { BatchStorageError } from "../cluster/errors.js"
import type { ShardRun } from "../cluster/ShardRun.js"
import type { Disk } from "../DownloadError.js"
import type { Hasher } from "../Hasher.js"
import type { Journal, SavedNames } from "../Journal.js"
import type * as OriginGovernor from "../OriginGovernor.js"
import type * as TarStore from "../Store/Tar.js"
import type { Store } from "../Store.js"
import type { Transport } from "../Transport.js"
import type { Settings } from "./telemetry/Endpoint.js"
import type { UsageError } from "./UsageError.js"

/**
 * A command that could not be started.
 */
export class CommandError extends Schema.TaggedError<CommandError>("halyard/Cli/CommandError")("CommandError", {
  command: Schema.String,
  reason: Schema.Literal("missing", "not-executable", "other"),
  detail: Schema.String
}) {
  override get message(): string {
    const what = { missing: "there is no such command", "not-executable": "it is not executable", other: this.detail }
    return `cannot run '${this.command}': ${what[this.reason]}`
  }
}

/**
 * An output that is written in place: a descriptor of this process, or the path of a pipe or device.
 */
export type OutputStream =
  | { readonly _tag: "Descriptor"; readonly descriptor: number }
  | { readonly _tag: "Path"; readonly isPipe: boolean }

/**
 * The options of a transport, under the names of the options of the command line.
 */
export interface NetworkOptions {
  readonly publicOnly?: boolean | undefined
  readonly ipv4?: boolean | undefined
  readonly ipv6?: boolean | undefined
  /** The name of a network interface, or an address of this machine. */
  readonly localInterface?: string | undefined
  readonly resolve?: ReadonlyArray<string> | undefined
  /** Default: the environment variables. */
  readonly proxy?: string | undefined
  readonly noProxy?: string | undefined
  readonly cacert?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** The environment variable of the pass phrase of the key. */
  readonly passEnv?: string | undefined
  readonly insecure?: boolean | undefined
  /** The maximum number of requests ahead on a connection. Default: 1. */
  readonly pipeline?: number | undefined
}

/**
 * A command about batches cannot do its work: the port is in use, the driver of the database is missing, or there is no such batch.
 */
export class RunnerError extends Schema.TaggedError<RunnerError>("halyard/Cli/RunnerError")("RunnerError", {
  message: Schema.String
}) {}

/** A runner of the batches of a database. */
export interface RunnerOptions {
  /** Default: the memory of this process, for the batches that it submits itself. */
  readonly database?: Redacted.Redacted | undefined
  /** Where other runners reach it. Used with PostgreSQL only, like `port` and `listen`. */
  readonly host: string
  readonly port: number
  /** The address to listen on. Default: `host`. */
  readonly listen?: string | undefined
  readonly shardsAtOnce: number
  /** Maximum number of shards that are sent and have not ended. Default: that of `Runner`. */
  readonly window?: number | undefined
  /** How long shards continue when the layer closes. */
  readonly drain: Duration.Duration
}

/** Processes that carry out shards. */
export interface ShardProcessOptions {
  readonly processes: number
  /** The texts of the options of a transfer, by the long names of the options. */
  readonly options: ReadonlyArray<readonly [name: string, texts: ReadonlyArray<string>]>
  readonly onProblem: (text: string) => void
}

/**
 * What a command exports, and how.
 */
export interface Export {
  readonly settings: Settings
  /** The proxies of the requests. */
  readonly network: Pick<NetworkOptions, "proxy" | "noProxy">
  /** Receives a sentence if a collector cannot be reached, once. */
  readonly onFailure: (text: string) => void
}

/** A part that a run has left, or that a run still uses. */
export interface UnfinishedPart {
  readonly _tag: "UnfinishedPart"
  readonly path: string
  /** The path of the file that it would become; undefined if that is not known. */
  readonly destination: string | undefined
  readonly sizeBytes: number
  readonly modifiedMillis: number
  /** `unknown`: it was written to a short time ago, by a process of another machine or container or of an earlier version. */
  readonly use: "none" | "running" | "unknown"
  /** The number of the process that uses it. */
  readonly process: number | undefined
  /** Removes the part. False if it is gone, or if a process has taken it in the meantime. */
  readonly remove: Effect.Effect<boolean, Disk>
}

/** A directory that cannot be read, or a part that cannot be looked at. */
export interface Unreadable {
  readonly _tag: "Unreadable"
  readonly error: Disk
}

/**
 * The machine that a command runs on.
 *
 * @category tags
 * @since 0.1.0
 */
export class Host extends Context.Tag("halyard/Cli/Host")<
  Host,
  {
    /**
     * The index of the first argument whose bytes are not UTF-8. Decoding has changed such an argument, and put U+FFFD into it.
     */
    readonly notUtf8: (argv: ReadonlyArray<string>) => number | undefined
    /** The directory of the flags that come with this package. */
    readonly flagsDirectory: string
    /** The page of a report, with a place for the data of a run. Fails if the file of this package cannot be read. */
    readonly reportPage: Effect.Effect<string, Disk>
    /** An HTTP server on an address. Port 0 is any free port. */
    readonly listen: (address: {
      readonly hostname: string
      readonly port: number
    }) => Layer.Layer<HttpServer.HttpServer, ServeError>
    /**
     * A transport for the network, made for one run, and the hasher of its downloads. `first` is the first URL, whose origin may ask
     * for a certificate. Fails if an option has a wrong value.
     */
    readonly transport: (
      options: NetworkOptions
    ) => Effect.Effect<(first?: string) => Layer.Layer<Transport | Hasher>, UsageError>
    /** Sends spans and metrics until the scope closes, and what is left within three seconds after that. Gives the tracer of the spans. */
    readonly exporter: (options: Export) => Effect.Effect<Tracer.Tracer | undefined, UsageError, Scope.Scope>
    /** The number of connections that the limit for open files allows. */
    readonly connectionsAtMost: () => number
    /** The environment variables. */
    readonly environment: Readonly<Record<string, string | undefined>>
    /** A store on the disks of the machine. */
    readonly store: Layer.Layer<Store>
    /**
     * A store in an object storage. `url` is the place that `bucketUrl` has read: `s3://BUCKET/PREFIX`. The destinations are URLs below
     * it. The account and the endpoint come from the environment. Fails if they are missing or wrong, with a sentence without secrets.
     */
    readonly bucket: (url: string, network: Pick<NetworkOptions, "proxy" | "noProxy">) => Layer.Layer<Store, UsageError>
    /**
     * A journal with a state file in each directory. `onProblem` receives a line if a state file cannot be used. With `isReadOnly`, no
     * state file is changed.
     */
    readonly stateJournal: (options: {
      readonly onProblem: (text: string) => void
      readonly isReadOnly: boolean
    }) => Layer.Layer<Journal | SavedNames>
    /**
     * The unfinished parts in a directory and, if asked, below it: of runs that were interrupted, or that still run. For a place in an object
     * storage, those of its prefix.
     */
    readonly unfinishedParts: (
      directory: string,
      options: { readonly isRecursive?: boolean | undefined; readonly entriesAtMost?: number | undefined }
    ) => Stream.Stream<UnfinishedPart | Unreadable>
    /** This process in the names of files that `unfinishedParts` finds. */
    readonly owner: Effect.Effect<string>
    /** Why a descriptor cannot be written to, for example because the shell did not pass it on. Undefined if it can. */
    readonly writeProblem: (descriptor: number) => Effect.Effect<string | undefined>
    /**
     * A store for one file, which it writes to an output that is not a regular file. If the output is a named pipe without a
     * reader, `prepare` calls `onWait` once and waits.
     */
    readonly outputStore: (output: OutputStream, onWait: () => void) => Layer.Layer<Store>
    /**
     * Asks for a password on the terminal of the process, without showing it. Returns undefined if there is no terminal. An
     * interruption restores the terminal.
     */
    readonly askPassword: (prompt: string) => Effect.Effect<string | undefined>
    /** The batches of a database. */
    readonly batches: (database: Redacted.Redacted) => Layer.Layer<Batches, BatchStorageError | RunnerError>
    /** The batches of a database, and a runner that carries them out until the layer closes. */
    readonly runner: (options: RunnerOptions) => Layer.Layer<Batches, BatchStorageError | RunnerError, ShardRun>
    /**
     * Makes the governor of a runner. The limits of an origin are those of all runners of the database together. With an SQLite file,
     * there is one runner.
     */
    readonly fleetGovernor: (
      runner: { readonly database: Redacted.Redacted; readonly host: string; readonly port: number },
      limits: OriginGovernor.Options
    ) => Layer.Layer<OriginGovernor.OriginGovernor, BatchStorageError>
    /** Runs each shard in a process of its own. A process that ends is replaced. They all end with the layer. */
    readonly shardProcesses: (options: ShardProcessOptions) => Layer.Layer<ShardRun>
    /**
     * A store that writes one tar into the store in the context. `finish` completes the tar. If the scope closes without it, a later
     * call with the same key continues the tar.
     */
    readonly tarStore: (
      options: TarStore.Options
    ) => Effect.Effect<
      { readonly store: typeof Store.Service; readonly finish: Effect.Effect<unknown, Disk> },
      Disk,
      Store | Scope.Scope
    >
    /** The number of processors that this process may use. */
    readonly processors: () => number
    /** Runs an effect. If a signal interrupts it and it has not ended after `limit`, the process ends. */
    readonly stoppingWithin: (
      limit: Duration.Duration
    ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /** Standard input. */
    readonly stdin: Stream.Stream<Uint8Array, Disk>
    /** The content of a pipe or a device. An interruption ends it at once, also while nothing is written to it. */
    readonly read: (path: string, isPipe: boolean) => Stream.Stream<Uint8Array, Disk>
    /** Starts the worker threads of `flags --engine threads`, which take the messages of `Flags/FlagWorker`. */
    readonly flagWorkers: Layer.Layer<Worker.WorkerManager | Worker.Spawner>
    /**
     * Standard output. Writes are in order, and precede later writes to the screen. A write never throws and never waits for
     * a reader: text that the reader has not taken is kept in memory.
     */
    readonly stdout: {
      readonly isTerminal: boolean
      /** Whether it is the terminal of the screen. */
      readonly isScreen: boolean
      /** Writes at once. */
      readonly write: (text: string) => void
      /**
       * Writes within 20 milliseconds, together with other text. `text` is called then: to make many lines in a row takes less time than to
       * make each of them between other work.
       */
      readonly writeSoon: (text: () => string) => void
      /** Whether 1 MiB of text waits in memory for standard output and the screen. */
      readonly isFull: () => boolean
    }
    /** From now on, a terminal that says it is dumb (`TERM`) is used as one that supports escape sequences. */
    readonly useDumbTerminal: () => void
    /** Runs an effect that blocks the thread, without signal handlers: the system ends the process on a signal. */
    readonly withoutSignalHandlers: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /**
     * Blocks the calling thread, and with it every fiber, timer and signal handler. With `spinner`, a worker thread turns a
     * spinner in the meantime; `onStart` receives the name of that thread. The outer effect loads the code, because nothing can
     * be loaded while the thread is blocked.
     */
    readonly block: Effect.Effect<
      (
        duration: Duration.Duration,
        spinner?: { readonly message: string; readonly onStart: (thread: string) => void }
      ) => Effect.Effect<void>
    >
    /**
     * Runs a command to its end, and passes the signals of this process on to it. Succeeds with the exit code, or with 128 and
     * the number of the signal that ended the command. `print` receives the output of the command, if that goes to a terminal. An
     * interruption terminates the command and waits for its end.
     */
    readonly run: (
      command: ReadonlyArray<string>,
      print: (text: string, write: (text: string) => void) => void
    ) => Effect.Effect<number, CommandError>
  }
>() {}

/** The store of the machine that a command runs on. */
export const storeLayer: Layer.Layer<Store, never, Host> = Layer.unwrapEffect(Effect.map(Host, ({ store }) => store))
