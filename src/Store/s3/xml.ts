/**
 * Reads the XML documents of an object storage.
 *
 * @internal
 */
import { parseXml, XmlElement } from "@rgrove/parse-xml"

/** The root of a document, or undefined if the text is no XML document. */
export const rootOf = (text: string): XmlElement | undefined => {
  try {
    return parseXml(text.trimStart()).root ?? undefined
  } catch {
    return undefined
  }
}

export const childrenOf = (element: XmlElement, name: string): ReadonlyArray<XmlElement> =>
  element.children.filter((child): child is XmlElement => child instanceof XmlElement && child.name === name)

/** The text of the first child with this name, or "". */
export const textOf = (element: XmlElement, name: string): string => childrenOf(element, name)[0]?.text.trim() ?? ""

/** The code of an error document, or "" for any other text. Some storages send an error with the status 200. */
export const errorCodeIn = (text: string): string => {
  const root = text.includes("<Error") ? rootOf(text) : undefined
  return root?.name === "Error"
    ? textOf(root, "Code")
        .slice(0, 100)
        .replace(/[^A-Za-z0-9.]/g, "")
    : ""
}

export const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
