/**
 * The parts of earlier runs, and what it takes to continue one.
 *
 * @internal
 */
import type { FileOperations } from "../files/fileOperations.js"
import type { OpenFiles } from "../files/openFiles.js"
import type { ProcessTable } from "./processTable.js"
import type { Located } from "./record.js"
import type { RecordFile } from "./recordFile.js"

/** Where the part of a destination stands, and what it is of. */
export interface Place {
  /** The directory, for its own operations. */
  readonly directory: string
  /** The path of the directory before a name in it; "" for the current directory. */
  readonly prefix: string
  readonly destinationName: string
  readonly key: string
}

/** A part that was taken. */
export interface Taken {
  readonly id: string
  readonly path: string
  readonly record: RecordFile
  readonly located: Located
  readonly allocatedBytes: number
}

/** A part in a directory. */
export interface Left {
  readonly id: string
  readonly owner: string
  readonly name: string
}

/** A part that no process of this machine uses, and its last checkpoint. */
export interface Usable {
  readonly part: Left
  /** False if its owner may be a process of another machine or container. */
  readonly isEnded: boolean
  readonly located: Located
  readonly allocatedBytes: number
}

/** What a backend gives. */
export interface Backend<Handle> {
  readonly operations: FileOperations<Handle>
  readonly openFiles: OpenFiles
  readonly shared: Shared
}

/** What the backends of a store share. */
export interface Shared {
  /** Draws the end of an id. */
  readonly draw: () => string
  readonly processes: ProcessTable
}
