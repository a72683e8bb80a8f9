import type { StatusLine } from "../../../StatusLine.js"

/** Lines of one kind. The first ones are printed, and the rest are counted. */
export class Notices {
  private count = 0

  constructor(
    private readonly statusLine: typeof StatusLine.Service,
    private readonly what: string,
    private readonly linesAtMost: number
  ) {}

  line(text: string): void {
    this.count++
    if (this.count <= this.linesAtMost) {
      this.statusLine.printSoon(`${text}\n`)
    }
  }

  /** Prints how many lines were left out. */
  conclude(): void {
    if (this.count > this.linesAtMost) {
      this.statusLine.line(`${this.count - this.linesAtMost} more ${this.what}`)
    }
  }
}
