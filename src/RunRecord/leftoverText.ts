/**
 * What failed and cancelled transfers have left, for people.
 *
 * @internal
 */
import { displaySize } from "../internal/text/displaySize.js"
import * as Printable from "../internal/text/printable.js"
import type { LeftoverSums } from "./data.js"

type Discarded = LeftoverSums["discarded"][number]

/** A sentence for the parts that are kept, and one for each reason to discard bytes. */
export const leftoverSentences = ({ discarded, kept }: LeftoverSums): ReadonlyArray<string> => [
  ...(kept.files === 0 ? [] : [keptSentence(kept)]),
  ...discarded.map(discardedSentence)
]

const keptSentence = ({ bytes, files }: LeftoverSums["kept"]): string => {
  const [parts, are, them] = files === 1 ? ["part", "is", "it"] : ["parts", "are", "them"]
  return `${files} unfinished ${parts} of ${displaySize(bytes)} ${are} kept: the same command continues ${them}`
}

const discardedSentence = ({ bytes, file, files, reason }: Discarded): string => {
  const [of, server] = files === 1 ? [Printable.line(file), "the server"] : [`${files} unfinished files`, "the servers"]
  return `${displaySize(bytes)} of ${of} were discarded, because ${server} ${files === 1 ? one[reason] : many[reason]}`
}

const one: { readonly [reason in Discarded["reason"]]: string } = {
  "no-validator": "sends no ETag or Last-Modified that proves of which version they are",
  "no-ranges": "does not send parts of files"
}

const many: { readonly [reason in Discarded["reason"]]: string } = {
  "no-validator": "send no ETag or Last-Modified that proves of which version they are",
  "no-ranges": "do not send parts of files"
}
