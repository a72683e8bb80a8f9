/**
 * What failed and cancelled transfers have left, for people.
 */
import { displaySize } from "./displaySize.js"
import * as Printable from "./printable.js"

type Reason = "no-validator" | "no-ranges"

export interface LeftoverText {
  /** The parts that the next run continues. */
  readonly kept: { readonly files: number; readonly bytes: number }
  /** The received bytes that could not be kept. `file` is the first of the files. */
  readonly discarded: ReadonlyArray<{
    readonly reason: Reason
    readonly file: string
    readonly files: number
    readonly bytes: number
  }>
}

/** A sentence for the parts that are kept, and one for each reason to discard bytes. */
export const leftoverSentences = ({ discarded, kept }: LeftoverText): ReadonlyArray<string> => [
  ...(kept.files === 0 ? [] : [keptSentence(kept)]),
  ...discarded.map(discardedSentence)
]

const keptSentence = ({ bytes, files }: LeftoverText["kept"]): string => {
  const [parts, are, them] = files === 1 ? ["part", "is", "it"] : ["parts", "are", "them"]
  return `${files} unfinished ${parts} of ${displaySize(bytes)} ${are} kept: the same command continues ${them}`
}

const discardedSentence = ({ bytes, file, files, reason }: LeftoverText["discarded"][number]): string => {
  const [of, server] = files === 1 ? [Printable.line(file), "the server"] : [`${files} unfinished files`, "the servers"]
  return `${displaySize(bytes)} of ${of} were discarded, because ${server} ${files === 1 ? one[reason] : many[reason]}`
}

const one: { readonly [reason in Reason]: string } = {
  "no-validator": "sends no ETag or Last-Modified that proves of which version they are",
  "no-ranges": "does not send parts of files"
}

const many: { readonly [reason in Reason]: string } = {
  "no-validator": "send no ETag or Last-Modified that proves of which version they are",
  "no-ranges": "do not send parts of files"
}
