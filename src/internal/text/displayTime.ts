/** A time in one or two units: `9 s`, `3m05s`, `2h07m`. A second is the least. */
export const displayTime = (millis: number): string => {
  const seconds = Math.max(1, Math.round(millis / 1000))
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0")
  return seconds < 60
    ? `${seconds} s`
    : seconds < 3600
      ? `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`
      : seconds < 360_000
        ? `${Math.floor(seconds / 3600)}h${two((seconds % 3600) / 60)}m`
        : "over 99h"
}
