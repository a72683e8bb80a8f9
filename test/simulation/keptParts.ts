/**
 * The parts that a run has left on a disk, as their records describe them.
 */

import * as PartRecord from "../../src/engine/resume/record.js"
import { newestIn } from "../../src/Store/kept/record.js"

/** What the record of a part says. */
export interface KeptPart {
  readonly destination: string
  readonly validator: string | undefined
  readonly totalBytes: number | undefined
  readonly bytes: number
}

const partPattern = /^\/d\/\.halyard-([0-9a-v]{22})-.*\.part$/

const recordPattern = /^\/d\/\.halyard-([0-9a-v]{22})\.record$/

/** The ids of the parts. A part that another process takes over has another name and the same id. */
export const partIds = (files: ReadonlyMap<string, Uint8Array>): ReadonlyArray<string> =>
  Array.from(files.keys()).flatMap((name) => partPattern.exec(name)?.[1] ?? [])

/** The destinations of the parts, and how many bytes they have. The holes between segments are zeros, and do not count. */
export const partSizes = (
  files: ReadonlyMap<string, Uint8Array>
): ReadonlyArray<{ readonly destination: string; readonly sizeBytes: number }> =>
  Array.from(files).flatMap(([name, content]) => {
    const destination = /^\/d\/\.halyard-[0-9a-v]{22}-[0-9a-v]{12}[.][^-]+-(.+)\.part$/.exec(name)?.[1]
    return destination === undefined
      ? []
      : [{ destination: `/d/${destination}`, sizeBytes: content.filter((byte) => byte !== 0).length }]
  })

export const recordNames = (files: ReadonlyMap<string, Uint8Array>): ReadonlyArray<string> =>
  Array.from(files.keys()).filter((name) => recordPattern.test(name))

/** The kept parts. If the power was cut, only those whose last record was synced. */
export const keptParts = (
  files: ReadonlyMap<string, Uint8Array>,
  isAfterPowerCut: boolean
): ReadonlyArray<KeptPart> => {
  const ids = partIds(files)
  return recordNames(files).flatMap((name) => {
    const id = recordPattern.exec(name)?.[1] ?? ""
    const newest = newestIn(files.get(name) ?? new Uint8Array())?.checkpoint
    const record = newest === undefined ? undefined : PartRecord.decode(newest.record)
    if (
      newest === undefined ||
      record === undefined ||
      !ids.includes(id) ||
      (isAfterPowerCut && newest.boot !== undefined)
    ) {
      return []
    }
    const { ranges, totalBytes, validator } = record
    const bytes = ranges.reduce((sum, { endBytes, startBytes }) => sum + endBytes - startBytes, 0)
    return [{ destination: `/d/${newest.destination}`, validator, totalBytes, bytes }]
  })
}
