// A table that shows some of its rows at a time.
import { button, element } from "./dom.js"
import * as Format from "./format.js"

export interface Column {
  readonly name: string
  readonly text: (row: number) => string
  readonly isNumber?: boolean
  /** True for the column that names the row. */
  readonly isHeader?: boolean
  readonly isReason?: boolean
  readonly isOrigin?: boolean
  /** True if only the end of a long text is shown. A tooltip has the whole. */
  readonly isCut?: boolean
  /** Called when the cell is activated. */
  readonly onOpen?: (row: number) => void
}

export interface Options {
  readonly id: string
  readonly caption: string
  readonly rows: ReadonlyArray<number>
  readonly columns: ReadonlyArray<Column>
  /** Shows a field that limits the rows to those whose text has its content. */
  readonly textOf?: (row: number) => string
}

const pageLength = 25

const cell = (column: Column, row: number): HTMLElement => {
  const whole = column.text(row)
  const text = column.isCut === true ? Format.end(whole) : whole
  const title = text === whole ? undefined : whole
  const { onOpen } = column
  const shown = column.isOrigin === true ? withPort(text) : [text]
  const content = onOpen === undefined ? shown : [button(text, () => onOpen(row), { class: "link" })]
  return column.isHeader === true
    ? element("th", { scope: "row", class: kindOf(column), title }, ...content)
    : element("td", { class: kindOf(column), title }, ...content)
}

const kindOf = ({ isNumber, isOrigin, isReason }: Column): string =>
  isNumber === true ? "number" : isReason === true ? "reason" : isOrigin === true ? "origin" : "short"

/** An origin whose lines break before its port, and not in it. */
const withPort = (origin: string): ReadonlyArray<Node | string> => {
  const [, host, port] = /^(.+)(:\d+)$/.exec(origin) ?? []
  return host === undefined || port === undefined
    ? [origin]
    : [host, element("wbr"), element("span", { class: "port" }, port)]
}

export const pagedTable = ({ caption, columns, id, rows, textOf }: Options): HTMLElement => {
  const body = element("tbody")
  const range = element("span", { role: "status", class: "muted" })
  let shown = rows
  let first = 0
  const update = (): void => {
    body.replaceChildren(
      ...shown
        .slice(first, first + pageLength)
        .map((row) => element("tr", {}, ...columns.map((column) => cell(column, row))))
    )
    range.textContent =
      shown.length === 0
        ? "no row"
        : `${Format.count(first + 1)} to ${Format.count(Math.min(first + pageLength, shown.length))} of ${Format.count(shown.length)}`
    previous.disabled = first === 0
    next.disabled = first + pageLength >= shown.length
  }
  const move = (by: number) => (): void => {
    first = Math.max(0, first + by)
    update()
  }
  const previous = button("Previous", move(-pageLength), { "aria-label": `Previous rows of: ${caption}` })
  const next = button("Next", move(pageLength), { "aria-label": `Next rows of: ${caption}` })
  const table = element(
    "table",
    { id: `${id}-table` },
    element("caption", {}, caption),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        ...columns.map(({ isNumber, name }) =>
          element("th", { scope: "col", class: isNumber === true ? "number" : undefined }, name)
        )
      )
    ),
    body
  )
  const filter =
    textOf === undefined
      ? []
      : [
          filterField(id, (wanted) => {
            shown = wanted === "" ? rows : rows.filter((row) => textOf(row).toLowerCase().includes(wanted))
            first = 0
            update()
          })
        ]
  update()
  const tools = rows.length > pageLength ? [element("div", { class: "toolbar" }, ...filter, previous, next, range)] : []
  return element(
    "div",
    {},
    ...tools,
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, table)
  )
}

const filterField = (id: string, onChange: (wanted: string) => void): HTMLElement => {
  const input = element("input", { type: "search", id: `${id}-filter`, autocomplete: "off" })
  input.addEventListener("input", () => onChange(input.value.trim().toLowerCase()))
  return element("span", {}, element("label", { for: input.id }, "Only rows with "), input)
}
