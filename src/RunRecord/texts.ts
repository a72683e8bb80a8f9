/**
 * Texts that many rows have, each kept once.
 *
 * @internal
 */
export class Texts {
  private readonly texts: Array<string> = []
  private readonly positions = new Map<string, number>()

  constructor(private readonly atMost: number) {}

  /** The position of a text. `short` takes its place if there are too many texts. */
  add(text: string, short: string): number {
    const found = this.positions.get(text)
    if (found !== undefined) {
      return found
    }
    if (this.texts.length >= this.atMost && text !== short) {
      return this.add(short, short)
    }
    this.positions.set(text, this.texts.length)
    return this.texts.push(text) - 1
  }

  all(): ReadonlyArray<string> {
    return this.texts
  }
}
