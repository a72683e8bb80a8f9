/**
 * The parts that a run has left on a disk, as their records describe them.
 */

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
    const newest = new TextDecoder()
      .decode(files.get(name))
      .split("\n")
      .flatMap(lineOf)
      .reduce<Line | undefined>(
        (best, line) => (best !== undefined && best.sequence > line.sequence ? best : line),
        undefined
      )
    if (newest === undefined || !ids.includes(id) || (isAfterPowerCut && newest.boot !== undefined)) {
      return []
    }
    const { ranges, totalBytes, validator } = JSON.parse(newest.record)
    const bytes = ranges.reduce((sum: number, [start, end]: [number, number]) => sum + end - start, 0)
    return [{ destination: `/d/${newest.destination}`, validator, totalBytes, bytes }]
  })
}

interface Line {
  readonly sequence: number
  readonly destination: string
  readonly boot?: string
  readonly record: string
}

const lineOf = (text: string): ReadonlyArray<Line> => {
  try {
    return [JSON.parse(text.slice(text.indexOf(" ") + 1))]
  } catch {
    return []
  }
}
