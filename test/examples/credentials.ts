import type { Redacted } from "effect"
import { Credentials, Download } from "halyard"

export const withPassword = (url: string, password: Redacted.Redacted) =>
  Download.request({ url, destination: "a.zip", headers: { authorization: Credentials.basic("ada", password) } })
