// Elements of the page. All text from a run is set as text, so that no part of it can become markup.

type Child = Node | string

interface Attributes {
  readonly [name: string]: string | undefined
}

/** Makes an element with attributes and children. */
export const element = <Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: ReadonlyArray<Child>
): HTMLElementTagNameMap[Name] => {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== undefined) {
      made.setAttribute(attribute, value)
    }
  }
  made.append(...children)
  return made
}

/** Makes a button that does something. */
export const button = (label: string, action: () => void, attributes: Attributes = {}): HTMLButtonElement => {
  const made = element("button", { type: "button", ...attributes }, label)
  made.addEventListener("click", action)
  return made
}

/** Makes a part of the page with a heading. */
export const section = (id: string, heading: string, ...children: ReadonlyArray<Child>): HTMLElement =>
  element(
    "section",
    { id, "aria-labelledby": `${id}-heading` },
    element("h2", { id: `${id}-heading` }, heading),
    ...children
  )

/** A square in a colour. The text beside it says what it means. */
export const swatch = (color: string): HTMLElement =>
  element("span", { class: "swatch", "data-color": color, "aria-hidden": "true" })

/** The element of the page with this id. */
export const byId = (id: string): HTMLElement => {
  const found = document.getElementById(id)
  if (found === null) {
    throw new Error(`the page has no element ${id}`)
  }
  return found
}
