// The sizes of the charts, on the screen and on paper, in pixels of CSS.

export const timelineHeight = 105
export const failuresHeight = 60
export const axisHeight = 34

/** The width of A4 without the margins of the style sheet. */
const paperWidth = 700

// On paper, all charts fit on one page of A4 or of US letter.
const rowsHeightAtMost = { screen: 600, paper: 420 } as const

export class Sizes {
  private medium: keyof typeof rowsHeightAtMost = "screen"

  constructor(
    private readonly frame: HTMLElement,
    /** The number of rows of the waterfall. */
    private readonly rows: number
  ) {}

  get width(): number {
    return Math.max(200, this.frame.clientWidth)
  }

  /** The room for labels on the left. */
  get gutter(): number {
    return this.frame.clientWidth < 600 ? 84 : 190
  }

  get waterfallHeight(): number {
    return Math.min(rowsHeightAtMost[this.medium], Math.max(90, this.rows * 18)) + axisHeight
  }

  /** Calls `resize` when the page gets another width, and before and after it is printed. */
  onChange(resize: () => void): void {
    const { frame } = this
    new ResizeObserver(resize).observe(frame)
    // A printer lays the page out at once, and does not wait for the observer. A wider chart would make all text of the print smaller.
    addEventListener("beforeprint", () => {
      this.medium = "paper"
      frame.style.width = `${paperWidth}px`
      resize()
    })
    addEventListener("afterprint", () => {
      this.medium = "screen"
      frame.style.width = ""
      resize()
    })
  }
}
