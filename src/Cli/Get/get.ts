/**
 * Runs `halyard get`: reads URLs as they arrive, names their files, downloads them, and reports.
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Download from "../../Download.js"
import { type DownloadEvent, Finished } from "../../DownloadEvent.js"
import * as Downloader from "../../Downloader.js"
import { Hasher } from "../../Hasher.js"
import * as Printable from "../../internal/text/printable.js"
import { Journal as Remembered, SavedNames } from "../../Journal.js"
import * as Progress from "../../Progress.js"
import { StatusLine } from "../../StatusLine.js"
import { Store } from "../../Store.js"
import * as Supervisor from "../../Supervisor.js"
import type { Option } from "../commandLine/Option.js"
import { Host } from "../Host.js"
import * as BucketUrl from "../run/bucketUrl.js"
import * as Display from "../run/display.js"
import { RunEnd } from "../run/runEnd.js"
import * as UnfinishedParts from "../run/unfinishedParts.js"
import * as Telemetry from "../telemetry.js"
import { downloaderLayer, governorLayer } from "./downloaderLayer.js"
import * as DryRun from "./dryRun.js"
import { FailFast } from "./failFast.js"
import * as Checksums from "./input/formats/checksums.js"
import type { Entry } from "./input/item.js"
import { countItems, TakenInput } from "./input/takenInput.js"
import * as Urls from "./input/urls.js"
import * as Items from "./items.js"
import { checkOptions, forOutput, namingOf } from "./optionRules.js"
import type { Options } from "./options.js"
import { Destinations } from "./output/destinations.js"
import * as ForeignFiles from "./output/foreignFiles.js"
import * as Journal from "./output/journal.js"
import { deadlineReached, prepare } from "./output/preparedOutput.js"
import { SavedPaths } from "./output/savedPaths.js"
import { isStandardOutput, outputOf } from "./output.js"
import * as Content from "./request/content.js"
import * as Cookies from "./request/cookies.js"
import * as Credentials from "./request/credentials.js"
import * as Headers from "./request/headers.js"
import * as OriginSecrets from "./request/originSecrets.js"
import { requestOf } from "./request.js"
import { checkFiles, openArchive, openFailed, openPage, type RunFiles } from "./runFiles.js"
import { total } from "./summary/sums.js"
import * as Summary from "./summary.js"

/** `configuration`: where the options come from that are not on the command line, and the files that were read for them. */
export const get = Effect.fn("get")(function* (
  urls: ReadonlyArray<string>,
  given: Options,
  configuration: { readonly sources: ReadonlyMap<Option<unknown>, string>; readonly files: ReadonlyArray<string> },
  version: string
) {
  const host = yield* Host
  const statusLine = yield* StatusLine
  const output =
    given.output === undefined || Urls.isOutputTemplate(urls, given)
      ? undefined
      : yield* outputOf(given.directory, given.output)
  const { ignored, options } = forOutput(given, output, configuration.sources)
  for (const text of given.quiet ? [] : ignored) {
    statusLine.line(text)
  }
  let hasWaited = false
  const store =
    output?.stream === undefined
      ? BucketUrl.isIn(options.directory)
        ? host.bucket(options.directory, options)
        : host.store
      : host.outputStore(output.stream, () => {
          hasWaited = true
          if (!options.quiet) {
            statusLine.line(`${Printable.line(output.destination)}: waiting for a reader`)
          }
        })
  // The scope keeps the list open during the run.
  return yield* Effect.provide(
    run(urls, { options, output, configuration: configuration.files }, version, () => hasWaited),
    Layer.merge(store, Layer.scope)
  )
})

const run = Effect.fnUntraced(function* (
  urls: ReadonlyArray<string>,
  files: RunFiles,
  version: string,
  /** Whether the output was a pipe without a reader. */
  hasWaited: () => boolean
) {
  const { options, output } = files
  const path = yield* Path.Path
  const host = yield* Host
  const given = yield* Urls.open(urls, options)
  const body = yield* Content.read(options.data)
  const isToStdout = isStandardOutput(output?.stream)
  yield* checkOptions(options, output)
  yield* checkFiles(files)
  const transport = yield* host.transport(options)
  const naming = yield* namingOf(options)
  const directory = output === undefined ? options.directory : path.dirname(output.destination)
  const isInBucket = BucketUrl.isIn(directory)
  const withNetrc = Credentials.withNetrc(yield* Credentials.netrcOf(options))
  const cookies = yield* Cookies.open(options)
  const secrets = yield* OriginSecrets.read(options)
  const failed =
    options.failed === undefined || options.dryRun ? undefined : yield* openFailed(options.failed, directory, files)
  const page = options.report === undefined || options.dryRun ? undefined : yield* openPage(options.report, files)
  const archive =
    options.har === undefined || options.dryRun ? undefined : yield* openArchive(options.har, files, version)
  // On one terminal, the rows would be mixed into the body.
  const progress = options.quiet || (isToStdout && host.stdout.isTerminal) ? "none" : options.progress
  const summary = yield* Summary.make({ ...options, progress, hasPaths: !isToStdout, version })
  const telemetry = options.dryRun ? Telemetry.none : yield* Telemetry.open(options)
  const needsExchanges =
    options.json ||
    options.showUrls ||
    options.report !== undefined ||
    options.har !== undefined ||
    telemetry !== Telemetry.none
  const checksums = yield* Checksums.read(options.sums, options.baseUrl, summary.note)
  const start = yield* Clock.currentTimeNanos
  const conclude = Effect.flatMap(Clock.currentTimeNanos, (end) =>
    summary.conclude(Number(end - start) / 1e9, failed?.hint())
  )
  const expect = (files: number): void => {
    summary.expect(files)
    page?.expect(files)
  }
  const savePage = page?.save(() => summary.hints(failed?.hint()))
  const end = new RunEnd()
  // Before any request: nothing can be saved in a directory that is not writable.
  const concludeEarly = end.after([savePage, archive?.save], conclude)
  const preparing = Effect.onInterrupt(prepare(options, output, directory), () => concludeEarly)
  // `prepare` changes nothing in an object storage. A dry run needs it: if there is no such bucket, the response to a later `HEAD` is
  // that for a missing object.
  const prepared = !options.dryRun
    ? yield* Effect.either(preparing)
    : isInBucket
      ? Either.right(yield* preparing)
      : Either.right(true)
  if (Either.isRight(prepared) && !prepared.right) {
    const event = deadlineReached(urls, options, output, yield* Clock.currentTimeMillis)
    page?.receive(event)
    yield* summary.event(event)
    yield* concludeEarly
    return Download.exitCode(summary.current())
  }
  // The wait for a reader counts towards --max-time.
  const waited = Duration.nanos((yield* Clock.currentTimeNanos) - start)
  const deadline =
    options.maxTime !== undefined && hasWaited() ? Duration.subtract(options.maxTime, waited) : options.maxTime
  yield* output?.stream === undefined && !options.quiet && !isInBucket ? UnfinishedParts.report(directory) : Effect.void
  const { all, first } = options.cert === undefined ? { all: given, first: undefined } : yield* Urls.withFirst(given)
  const { entries, originHeaders } = yield* Effect.onInterrupt(
    Urls.withHeaders(all, urls, secrets),
    () => concludeEarly
  )
  summary.note(options.insecure ? "warning: --insecure accepts any certificate of a server" : undefined)
  const connections = host.connectionsAtMost()
  if (options.concurrency > connections) {
    summary.note(
      `${connections} ${connections === 1 ? "transfer" : "transfers"} at a time: the limit for open files (ulimit -n) is too low for ${options.concurrency}`
    )
  }
  const journal = yield* Journal.open(options, output, summary.note)
  const store = yield* Store
  const saved =
    journal === undefined || options.onExists !== undefined
      ? undefined
      : new SavedPaths(Context.get(journal, SavedNames), Context.get(journal, Remembered), yield* Hasher, store)
  /** Whether the run has ended. */
  let isOver = false
  const input = new TakenInput(host, summary.display.expect)
  const destinations = new Destinations(path, directory, {
    saved,
    allowOutside: options.allowOutside,
    naming,
    isNamedByServer: options.remoteHeaderName,
    onRenamed: (url, name, reason) => {
      if (!isOver) {
        summary.renamed(url, name, reason)
      }
    }
  })
  const failFast = new FailFast(options.failFast, summary.current)
  const { referer } = options
  const common = {
    ...(referer === undefined ? {} : { referer }),
    ...(body === undefined ? {} : Content.defaultType)
  }
  const headersOf = Headers.withDefaults(common)
  const taken = input.counting(entries)
  const batched =
    failed === undefined ? taken : Stream.mapChunksEffect(taken, (chunk) => Effect.as(failed.flush, chunk))
  const withSaved = <E, R>(all: Stream.Stream<Entry, E, R>, before: number) =>
    saved === undefined || output !== undefined ? all : saved.look(all, before, destinations)
  const dependencies: Items.Dependencies = {
    prepareDirectory: options.dryRun || Either.isLeft(prepared) ? () => Effect.void : store.prepare,
    digestOf: (item) => {
      const own = item.fields.checksum ?? options.checksum
      return own !== undefined || checksums === undefined ? Either.right(own) : checksums.of(item)
    },
    destinationOf: (item, index) =>
      output === undefined
        ? destinations.of(item, index)
        : Either.right({ path: output.destination, directory: undefined, isNamedByServer: false }),
    headersFor: (url) => withNetrc(url, headersOf(originHeaders?.for(url))),
    before: 0,
    onReady: failed?.ready ?? (() => {}),
    onRefused: (index, item) => {
      const outcome = summary.refused(index, item)
      page?.refused(outcome)
      failed?.refused(index, item)
      failFast.check()
    }
  }
  const ready = Items.prepare(withSaved(batched, 0), dependencies)
  const record = (event: DownloadEvent): void => {
    failed?.event(event)
    page?.receive(event)
    cookies.receive?.(event)
  }
  const listener =
    failed === undefined && page === undefined && cookies.receive === undefined
      ? summary.event
      : (event: DownloadEvent) => {
          record(event)
          return summary.event(event)
        }
  const archived = archive === undefined ? listener : archive.adding(Summary.lineOptionsOf(options), listener)
  const recordOnly = (event: DownloadEvent) => Effect.sync(() => record(event))
  // A stream is not continued.
  const mayResume = output?.stream === undefined && !options.noResume
  const requests = Stream.map(ready, requestOf({ options, deadline, body, mayResume }))
  if (options.dryRun) {
    const refused = () => summary.current().failed
    return yield* DryRun.dryRun(requests, {
      ...options,
      isStream: output?.stream !== undefined,
      isInBucket,
      refused
    }).pipe(Effect.provide(journal ?? Context.empty()))
  }
  if (Either.isLeft(prepared)) {
    const error = prepared.left
    const fail = (request: Download.DownloadRequest) =>
      Effect.flatMap(Clock.currentTimeMillis, (atMillis) =>
        (options.json ? listener : recordOnly)(
          new Finished({ atMillis, outcome: new Download.Failed({ request, error }) })
        )
      )
    yield* options.json || failed !== undefined || page !== undefined ? Stream.runForEach(requests, fail) : Effect.void
    const saves = [failed?.save(undefined, summary.note), savePage, archive?.save]
    yield* end.after(saves, options.json ? conclude : Effect.void)
    return options.json ? 1 : yield* error
  }
  const told = options.continue ? ForeignFiles.told(requests, store, summary.note) : requests
  const rest = Effect.map(Urls.again(urls, options), (again) =>
    Items.prepare(withSaved(Stream.drop(again, failed?.taken() ?? 0), failed?.taken() ?? 0), {
      ...dependencies,
      prepareDirectory: () => Effect.void,
      headersFor: () => undefined,
      before: failed?.taken() ?? 0,
      onReady: () => {},
      onRefused: (index, item) => failed?.refused(index, item)
    })
  )
  const context = yield* Effect.context<FileSystem.FileSystem | Host>()
  const saveFailed =
    failed === undefined
      ? undefined
      : Effect.suspend(() => {
          isOver = true
          const left = input.isOver ? undefined : Effect.map(rest, Stream.provideContext(context))
          return failed.save(left && Effect.provide(left, context), summary.note)
        })
  return yield* Effect.flatMap(Downloader.Downloader, (downloader) =>
    Stream.runDrain(failFast.stop(downloader.run(told, { concurrency: Math.min(options.concurrency, connections) })))
  ).pipe(
    Effect.provide(
      downloaderLayer(options, output, needsExchanges).pipe(
        Layer.provide(transport(first)),
        Layer.provide(cookies.layer),
        Layer.provide(telemetry.withMetrics(Progress.layer(failFast.after(archived)))),
        Layer.provide(governorLayer(options))
      )
    ),
    telemetry.withSpans,
    Effect.provide(journal ?? Context.empty()),
    Supervisor.supervise({
      companions: {
        display:
          progress === "none" && page === undefined && (options.quiet || !options.json)
            ? Effect.never
            : Effect.zipRight(Effect.fork(countItems(urls, options, expect)), Display.show(progress, summary.display))
      }
    }),
    // An interrupted run has a summary as well.
    Effect.onExit((exit) => {
      // A list that cannot be read at all.
      if (Exit.isFailure(exit) && !input.isOver && isUnused(summary.current()) && !Cause.isInterrupted(exit.cause)) {
        return end.after([cookies.save, archive?.save], Effect.void)
      }
      if (isUnused(summary.current()) && input.isOver) {
        summary.note("the input has no URL")
      }
      summary.note(originHeaders?.notice())
      summary.note(checksums?.notice())
      summary.note(failFast.notice())
      return end.after([cookies.save, saveFailed, savePage, archive?.save], conclude)
    }),
    Effect.zipRight(Effect.sync(() => (end.areFilesSaved ? Download.exitCode(summary.current()) : 1)))
  )
})

const isUnused = (report: Download.RunReport): boolean => total(report) === 0
