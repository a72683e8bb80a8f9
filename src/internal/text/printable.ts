/**
 * Makes text from outside (a server, a user, a file name) safe to print. Control characters, escape sequences and invisible
 * direction marks could change a terminal's screen or title.
 */

// C0 and C1 controls, and the characters that reorder or hide the text around them (Unicode TR 36 §3.6).
const unsafeCharacter = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

// CSI and OSC sequences, and the two-byte escapes (ECMA-48 §5.3 to §5.6).
const escapeSequence = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g

/** Returns the text on one line, with every unsafe character written as an escape such as `\x1b`. */
export const line = (text: string): string =>
  text.replace(unsafeCharacter, (character) => {
    const code = character.charCodeAt(0)
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`
  })

/** Returns the first 200 characters of the text on one line, for use in a message. */
export const excerpt = (text: string): string =>
  text.length <= excerptLength ? line(text) : `${line(text.slice(0, excerptLength))}…`

const excerptLength = 200

/** Removes terminal escape sequences and controls. Line ends and tabs stay. */
export const withoutEscapes = (text: string): string =>
  text.replace(escapeSequence, "").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "")
