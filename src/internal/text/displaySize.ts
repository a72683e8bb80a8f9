const units = ["B", "kB", "MB", "GB", "TB"]

/** A number of bytes for people: `12 B`, `1.2 GB`. */
export const displaySize = (bytes: number): string => {
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  const digits = power === 0 ? 0 : 1
  const number = (bytes / 1000 ** power).toFixed(digits)
  return Number(number) === 1000 && power < units.length - 1 ? `1.0 ${units[power + 1]}` : `${number} ${units[power]}`
}
