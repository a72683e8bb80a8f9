/**
 * Tells the IP addresses of a text. The functions of `node:net` compile a large regular expression for IPv6 at their first use on
 * Node 20, which takes 4 ms of the start. These functions use it only for a text that has a colon.
 */
import * as Net from "node:net"

/** 4 or 6 if the text is an address of this version, or else 0. */
export const isIP = (text: string): number => (isIPv4(text) ? 4 : isIPv6(text) ? 6 : 0)

export const isIPv4 = (text: string): boolean => Net.isIPv4(text)

export const isIPv6 = (text: string): boolean => text.includes(":") && Net.isIPv6(text)
