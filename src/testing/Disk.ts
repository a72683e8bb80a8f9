/**
 * A disk in memory that can fail and crash. It knows which bytes and names a power cut leaves.
 *
 * A power cut keeps the bytes of a synced file, and the names in a synced directory. Of later changes of names it keeps some, from
 * the first on. Of later bytes of a file it keeps some, from the first on, and perhaps zeros in place of the others.
 *
 * It has the operations that the stores of this package use: open, write, read, truncate, sync, rename, link, remove, look (whether
 * a file is there) and permission bits.
 *
 * @since 0.2.0
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Layer from "effect/Layer"
import type { SystemCalls } from "../Store/systemCalls.js"
import { Faults, type Options } from "./Disk/faults.js"
import * as DiskFileSystem from "./Disk/fileSystem.js"
import * as DiskSystemCalls from "./Disk/systemCalls.js"
import { Volume } from "./Disk/volume.js"

export type { Fate, Operation, Options } from "./Disk/faults.js"

/**
 * A disk. It outlives the programs that use it.
 *
 * @category models
 * @since 0.2.0
 */
export class Disk {
  options: Options
  private readonly volume = new Volume(() => this.options)
  private readonly faults = new Faults(() => this.options)

  constructor(options: Options = {}) {
    this.options = options
  }

  /** The number of open descriptors. */
  descriptors(): number {
    return this.volume.descriptors()
  }

  /** The content of each file, as programs see it. */
  files(): ReadonlyMap<string, Uint8Array> {
    return this.volume.files()
  }

  /** The permission bits of each file. */
  modes(): ReadonlyMap<string, number> {
    return this.volume.modes()
  }

  /** The modification time of each file, in milliseconds since 1970. Undefined if no program has set it. */
  times(): ReadonlyMap<string, number | undefined> {
    return this.volume.times()
  }

  /**
   * The content of each file whose name has changed since the last sync of its directory, before and after each change. A power cut
   * leaves one of them. Undefined: no file.
   */
  unsynced(): ReadonlyMap<string, ReadonlyArray<Uint8Array | undefined>> {
    return this.volume.unsynced()
  }

  /**
   * Adds a file that survives a power cut. `mode` is its permission bits. Default: 0o644. `modifiedMillis` is its modification time.
   * Default: unknown.
   */
  put(name: string, content: Uint8Array, mode?: number, modifiedMillis?: number): void {
    this.volume.put(name, content, mode, modifiedMillis)
  }

  /** Removes a file, as another program would. A power cut does not bring it back. */
  remove(name: string): void {
    this.volume.removeForGood(name)
  }

  /** Adds a directory that survives a power cut. Every other path without a file is a directory, too. */
  putDirectory(name: string): void {
    this.volume.putDirectory(name)
  }

  /** Ends all programs. Bytes that were written stay. */
  kill(): void {
    this.volume.kill()
  }

  /** A power cut. `random` draws from [0, 1). */
  powerCut(random: () => number): void {
    this.volume.powerCut(random)
  }

  /** The disk as blocking calls, without delays. @internal */
  calls(): SystemCalls {
    return DiskSystemCalls.make(this.volume, this.faults)
  }

  /** The disk as a service for one life of a program. */
  readonly layer: Layer.Layer<FileSystem.FileSystem | Path.Path> = Layer.suspend(() =>
    Layer.merge(DiskFileSystem.layer(this.volume, this.faults), Path.layer)
  )
}
