/**
 * The items of `halyard get`: a file to download, or a part of a list from which none can be made.
 */

/** Where an item stands. */
export interface Place {
  /** The name of the list. */
  readonly list: string
  /** Line number, from 1. */
  readonly line: number
}

/** What a list says of a file beyond its URL. The text of a list is not trusted. */
export interface Fields {
  /** The path of the file in its directory. */
  readonly name?: string | undefined
  /** The directory of the file, inside the directory of the run. */
  readonly directory?: string | undefined
  readonly checksum?: string | undefined
  readonly sizeBytes?: number | undefined
  /** For the origin of the URL. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly mirrors?: ReadonlyArray<string> | undefined
}

export const noFields: Fields = {}

export interface Item {
  readonly _tag: "Item"
  readonly url: string
  /** Undefined for an argument of the command line. */
  readonly place: Place | undefined
  readonly fields: Fields
  /** The path that the command line gives the file. It is trusted. */
  readonly output?: string | undefined
}

export interface RefusedItem {
  readonly _tag: "Refused"
  readonly place: Place
  readonly problem: string
}

export type Entry = Item | RefusedItem

/** Takes the entries of a list from its format. */
export interface Entries {
  readonly item: (line: number, url: string, fields: Fields) => void
  readonly refuse: (line: number, problem: string) => void
  /** Reports a key that has no meaning here. Each key is reported once. */
  readonly ignore: (key: string) => void
}

/** A line of a list, as it was written. */
export interface Line {
  /** From 1. */
  readonly number: number
  /** Without the line end. Of a longer line, the first 64 KiB. */
  readonly text: string
  readonly isCut: boolean
}

/** Reads the lines of one list. */
export interface Format {
  /** Takes the next line. */
  readonly line: (line: Line) => void
  /** Ends the item that further lines could belong to, because the list pauses. */
  readonly pause: () => void
  /** Ends the list. */
  readonly end: () => void
  /** True if `pause` would deliver an item. */
  readonly isWaiting: () => boolean
}

export const tooLong = "it is longer than 64 KiB"
