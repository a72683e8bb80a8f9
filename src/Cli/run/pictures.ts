/**
 * Small pictures among the saved files of a run, for the report page.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import type * as RunRecord from "../../RunRecord.js"

const picturesAtMost = 64
const candidatesAtMost = 200
const fileAtMostBytes = 64 * 1024
const allAtMostBytes = 2 * 1024 * 1024

const isNamedAsPicture = (file: string): boolean => /\.(?:gif|png|jpe?g|webp|avif|bmp|ico)$/i.test(file)

/** The beginnings of files, as Latin-1. SVG is not among them: it is a document. */
const kinds: ReadonlyArray<readonly [start: RegExp, type: string]> = [
  [/^GIF8[79]a/, "image/gif"],
  [/^\u0089PNG\r\n\u001a\n/, "image/png"],
  [/^\u00ff\u00d8\u00ff/, "image/jpeg"],
  [/^RIFF.{4}WEBP/s, "image/webp"],
  [/^.{4}ftypavif/s, "image/avif"],
  [/^BM.{8}/s, "image/bmp"],
  [/^\0\0\u0001\0/, "image/x-icon"]
]

/** The media type of a picture, from its content. */
const typeOf = (content: Uint8Array): string | undefined => {
  const start = String.fromCharCode(...content.subarray(0, 16))
  return kinds.find(([pattern]) => pattern.test(start))?.[1]
}

/** Reads the pictures. A file that cannot be read is left out. */
export const read = Effect.fnUntraced(function* (record: RunRecord.RunRecord) {
  const fs = yield* FileSystem.FileSystem
  const candidates: Array<{ readonly file: string; readonly row: number }> = []
  record.saved((file, row) => {
    if (isNamedAsPicture(file)) {
      candidates.push({ file, row })
    }
    return candidates.length < candidatesAtMost
  })
  const pictures: Array<RunRecord.Picture> = []
  let room = allAtMostBytes
  for (const { file, row } of candidates) {
    if (pictures.length >= picturesAtMost) {
      break
    }
    const picture = yield* Effect.orElseSucceed(pictureOf(fs, file, Math.min(room, fileAtMostBytes)), () => undefined)
    if (picture !== undefined) {
      room -= picture.length
      pictures.push({ transfer: row, source: picture })
    }
  }
  return pictures
})

const pictureOf = Effect.fnUntraced(function* (fs: FileSystem.FileSystem, file: string, atMostBytes: number) {
  const { size, type } = yield* fs.stat(file)
  if (type !== "File" || size > atMostBytes) {
    return undefined
  }
  const content = yield* fs.readFile(file)
  const mediaType = typeOf(content)
  return mediaType === undefined ? undefined : `data:${mediaType};base64,${Encoding.encodeBase64(content)}`
})
