import { Either } from "effect"
import { Download, Naming } from "halyard"

const naming = Naming.template("{host}-{index:03}-{name}.{ext}", "2026-01-31")

/** The second request for `https://files.example/a/report.pdf` has the destination `inbox/files.example-002-report.pdf`. */
export const requestOf = (url: string, index: number) =>
  Either.map(naming, (nameOf) => Download.request({ url, destination: `inbox/${nameOf({ url, index }).path}` }))

/** The file is `inbox/` and the name in `Content-Disposition`, or `inbox/download` if there is none. */
export const named = (url: string) => Download.request({ url, destination: "inbox/download", nameFrom: "server" })
