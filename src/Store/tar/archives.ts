/**
 * The tars of one run: complete ones, and the one that is being written.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Saved } from "../../Download.js"
import type { Disk } from "../../DownloadError.js"
import { beside, candidates } from "../../internal/text/fileNames.js"
import type { Durability, FileInfo, PublishOptions, Store } from "../../Store.js"
import * as Archive from "./archive.js"
import * as Header from "./header.js"
import * as Metadata from "./metadata.js"
import { namesOf, pathOf } from "./names.js"
import type { Sample } from "./sampleIndex.js"

export interface Settings {
  /** Where the tar with this number is. */
  readonly pathOf: (number: number) => string
  /** False if there is one tar. */
  readonly isNumbered: boolean
  readonly key: string
  readonly maxSamples: number
  readonly maxBytes: number
  readonly hasMetadata: boolean
  /** The bytes after which a checkpoint is made. */
  readonly checkpointBytes: number
  readonly durability: Durability
}

interface Place {
  readonly archive: Archive.Archive
  readonly destination: string
  readonly path: string
}

export class Archives {
  private readonly lock = Effect.unsafeMakeSemaphore(1)
  /** Undefined if the only tar is complete, if the next one is not open yet, or if `finish` has run. */
  private current: Archive.Archive | undefined
  private isFinished = false
  /** The number of the tar that is being written. */
  private number = 0
  private readonly complete: Array<string> = []
  /** The tar of each file. */
  private readonly places = new Map<string, Archive.Archive>()

  constructor(
    private readonly store: typeof Store.Service,
    private readonly settings: Settings
  ) {}

  /**
   * Opens the first tar that is not complete, and reads the indexes of those before it. Undefined if the only tar is complete. Run
   * it uninterruptible.
   */
  get openNext(): Effect.Effect<Archive.Archive | undefined, Disk> {
    return Effect.gen(this, function* () {
      const { settings, store } = this
      for (;;) {
        const path = settings.pathOf(this.number)
        const found = yield* store.stat(path)
        const archive = yield* found === undefined
          ? Archive.open(store, path, settings)
          : Archive.load(store, path, found.sizeBytes)
        for (const sample of archive.index.all) {
          this.places.set(sample.path, archive)
        }
        if (found === undefined) {
          this.current = archive
          return archive
        }
        this.complete.push(path)
        if (!settings.isNumbered) {
          return undefined
        }
        this.number++
      }
    })
  }

  /** Fails if no file can be added under this name. */
  checkName(destination: string): Effect.Effect<string, Disk> {
    const path = pathOf(destination)
    return path === undefined
      ? Archive.failure(destination, "other", "a tar cannot have a file with this path")
      : this.isFinished || (this.current === undefined && !this.settings.isNumbered)
        ? this.isCompleteFailure(destination)
        : Exit.succeed(path)
  }

  private isCompleteFailure(destination: string): Exit.Exit<never, Disk> {
    return Archive.failure(destination, "other", `the tar "${this.settings.pathOf(this.number)}" is complete`)
  }

  stat(destination: string): Effect.Effect<FileInfo | undefined, Disk> {
    const found = this.find(destination)?.sample
    return Exit.succeed(
      found === undefined ? undefined : { sizeBytes: found.sizeBytes, modifiedMillis: found.modifiedMillis }
    )
  }

  read(destination: string): Stream.Stream<Uint8Array, Disk> {
    return Stream.suspend(() => {
      const found = this.find(destination)
      if (found === undefined) {
        return Stream.fromEffect(Archive.failure(destination, "missing", ""))
      }
      const { archive, sample } = found
      return archive.isComplete ? readComplete(this.store, archive.path, sample) : readOpen(archive, sample)
    })
  }

  private find(destination: string): { readonly archive: Archive.Archive; readonly sample: Sample } | undefined {
    const path = pathOf(destination) ?? ""
    const archive = this.places.get(path)
    const sample = archive?.index.get(path)
    return archive === undefined || sample === undefined ? undefined : { archive, sample }
  }

  /** Adds a file to the tar that is being written. It cannot be interrupted. */
  publish(
    destination: string,
    content: Archive.Content,
    options: PublishOptions
  ): Effect.Effect<string | undefined, Disk> {
    return Effect.uninterruptible(
      Effect.gen(this, function* () {
        const added = yield* this.exclusively(this.add(destination, content, options))
        if (added === undefined) {
          return undefined
        }
        const { appended, place } = added
        yield* Effect.tapError(place.archive.commit(options.durability), () =>
          Effect.sync(() => this.takeBack(place, appended))
        )
        return place.destination
      })
    )
  }

  private takeBack({ archive, path }: Place, appended: Archive.Appended): void {
    archive.takeBack(appended)
    if (archive.index.get(path) === undefined) {
      this.places.delete(path)
    }
  }

  /** Appends a file. Returns undefined if `skip` keeps the one that is there. */
  private add(
    destination: string,
    content: Archive.Content,
    options: PublishOptions
  ): Effect.Effect<{ readonly place: Place; readonly appended: Archive.Appended } | undefined, Disk> {
    return Effect.gen(this, function* () {
      const target = options.name === undefined ? destination : beside(destination, options.name)
      const modifiedMillis = options.modifiedMillis ?? (yield* Clock.currentTimeMillis)
      for (;;) {
        yield* this.checkName(target)
        const archive = this.current ?? (yield* this.openNext)
        if (archive === undefined) {
          return yield* this.isCompleteFailure(target)
        }
        const place = yield* this.placeOf(target, archive, options.onExists)
        if (place === undefined) {
          return undefined
        }
        const sample = this.sampleOf(place, content, modifiedMillis, options.saved)
        if (this.hasRoom(archive, sample)) {
          const appended = yield* archive.append(sample)
          this.places.set(place.path, archive)
          return { place, appended }
        }
        yield* this.finishCurrent(archive)
      }
    })
  }

  /** The first free path; undefined if `skip` keeps the file that is there. */
  private placeOf(
    target: string,
    archive: Archive.Archive,
    onExists: PublishOptions["onExists"]
  ): Effect.Effect<Place | undefined, Disk> {
    return Effect.gen(this, function* () {
      for (const destination of onExists === "unique" ? candidates(target) : [target]) {
        const path = yield* this.checkName(destination)
        const found = this.places.get(path)
        if (found === undefined || (onExists === "overwrite" && found === archive)) {
          return { archive, destination, path }
        }
        if (onExists === "overwrite") {
          return yield* Archive.failure(destination, "exists", `it is in the tar "${found.path}", which is complete`)
        }
      }
      return onExists === "skip" ? undefined : yield* Archive.failure(target, "exists", "")
    })
  }

  private sampleOf(
    { archive: { index }, path }: Place,
    content: Archive.Content,
    modifiedMillis: number,
    saved: Saved | undefined
  ): Archive.NewSample {
    const ownKey = index.get(path)?.key
    const names = namesOf(path, (key) => key !== ownKey && index.hasKey(key))
    const headerOf = (name: string, sizeBytes: number) => Header.header(name, sizeBytes, modifiedMillis)
    const tail = [Header.padding(content.sizeBytes)]
    if (this.settings.hasMetadata) {
      const metadata = Metadata.encode(names.key, path, content.sizeBytes, saved)
      tail.push(headerOf(names.metadata, metadata.length), metadata, Header.padding(metadata.length))
    }
    return {
      path,
      key: names.key,
      modifiedMillis,
      content,
      head: headerOf(names.content, content.sizeBytes),
      tail: Header.concat(tail)
    }
  }

  private hasRoom({ index }: Archive.Archive, sample: Archive.NewSample): boolean {
    const { isNumbered, maxBytes, maxSamples } = this.settings
    const fullBytes = index.endBytes + Archive.lengthOf(sample) + Header.end.length
    return !isNumbered || index.count === 0 || (index.count < maxSamples && fullBytes <= maxBytes)
  }

  /** Publishes the tar that is being written, and returns the paths of all complete tars. Nothing can be added after that. */
  get finish(): Effect.Effect<ReadonlyArray<string>, Disk> {
    return Effect.uninterruptible(
      this.exclusively(
        Effect.suspend(() => {
          const { complete, current } = this
          return Effect.map(current === undefined ? Exit.void : this.finishCurrent(current), () => {
            this.isFinished = true
            return complete
          })
        })
      )
    )
  }

  private finishCurrent(archive: Archive.Archive): Effect.Effect<void, Disk> {
    return Effect.ensuring(
      archive.finish(this.settings.durability),
      Effect.sync(() => {
        if (archive.isComplete) {
          this.current = undefined
          if (archive.index.count > 0) {
            this.complete.push(archive.path)
            this.number += this.settings.isNumbered ? 1 : 0
          }
        }
      })
    )
  }

  /** Ends the use of the tar that is being written, which a later run continues. */
  get leave(): Effect.Effect<void> {
    return Effect.uninterruptible(
      Effect.suspend(() => {
        this.isFinished = true
        return this.lock.withPermits(1)(Effect.suspend(() => this.current?.leave ?? Exit.void))
      })
    )
  }

  private exclusively<A>(effect: Effect.Effect<A, Disk>): Effect.Effect<A, Disk> {
    return this.lock.withPermits(1)(effect)
  }
}

const readBytes = 64 * 1024

const readOpen = (archive: Archive.Archive, { contentBytes, sizeBytes }: Sample): Stream.Stream<Uint8Array, Disk> =>
  Stream.unfoldEffect(0, (doneBytes) => {
    const chunk = new Uint8Array(Math.min(readBytes, sizeBytes - doneBytes))
    return chunk.length === 0
      ? Exit.succeed(Option.none())
      : Effect.map(archive.read(chunk, contentBytes + doneBytes), (count) =>
          Option.some([chunk.subarray(0, count), doneBytes + chunk.length] as const)
        )
  })

/** A store reads from the start of a file. The bytes before the content are dropped. */
const readComplete = (
  store: typeof Store.Service,
  path: string,
  { contentBytes, sizeBytes }: Sample
): Stream.Stream<Uint8Array, Disk> =>
  sizeBytes === 0
    ? Stream.empty
    : store.read(path).pipe(
        Stream.mapAccum(0, (startBytes, chunk) => {
          const from = Math.max(0, contentBytes - startBytes)
          const to = Math.max(from, contentBytes + sizeBytes - startBytes)
          return [startBytes + chunk.length, { found: chunk.subarray(from, to), isLast: to <= chunk.length }] as const
        }),
        Stream.takeUntil(({ isLast }) => isLast),
        Stream.filterMap(({ found }) => (found.length === 0 ? Option.none() : Option.some(found)))
      )
