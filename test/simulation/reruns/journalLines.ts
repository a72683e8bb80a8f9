/**
 * Reads the lines of a journal, without the code that is under test.
 */

/** What a journal says about the file at a path. */
export interface Line {
  readonly path: string
  readonly bytes: number
  readonly modifiedMillis: number | undefined
  readonly url: string
  /** The URL of the response that described the file. */
  readonly finalUrl: string
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  readonly digest: string | undefined
}

/** The lines that describe a file, the first one first. `directory`: that of the names in a state file. */
export const linesOf = (content: Uint8Array, directory: string): ReadonlyArray<Line> =>
  new TextDecoder()
    .decode(content)
    .split("\n")
    .flatMap((text) => {
      const value = parse(text)
      const string = (name: string) => (typeof value[name] === "string" ? value[name] : undefined)
      const number = (name: string) => (typeof value[name] === "number" ? value[name] : undefined)
      const [bytes, file, url] = [number("bytes"), string("file"), string("url")]
      const path = file === undefined ? string("destination") : directory + file
      return bytes === undefined || path === undefined || url === undefined
        ? []
        : [
            {
              path,
              bytes,
              modifiedMillis: number("modifiedMillis"),
              url,
              finalUrl: string("finalUrl") ?? url,
              etag: string("etag"),
              lastModified: string("lastModified"),
              digest: string("digest")
            }
          ]
    })

const parse = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
