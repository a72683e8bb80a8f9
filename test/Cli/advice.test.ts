import { assert, describe, it } from "@effect/vitest"
import { adviceFor } from "../../src/Cli/Get/advice.js"
import { options } from "../../src/Cli/Get/options.js"
import { Connection, Disk, type DownloadError, HttpStatus, Timeout } from "../../src/DownloadError.js"

const url = "http://origin.test/"

const names = new Set(Object.values(options).flatMap((option) => option.names))

const errors: ReadonlyArray<DownloadError> = [
  ...[401, 403, 407, 429, 503, 500].map((status) => new HttpStatus({ url, status })),
  ...(["unknown-host", "dns", "refused", "unreachable", "tls", "reset"] as const).map(
    (reason) => new Connection({ url, reason, receivedBytes: 0, detail: "" })
  ),
  ...(["connect", "headers", "stall"] as const).map(
    (phase) => new Timeout({ url, phase, limitMillis: 1, receivedBytes: 0 })
  ),
  ...(["full", "permission", "exists", "too-many-open"] as const).map(
    (reason) => new Disk({ path: "/d/a", reason, detail: "" })
  )
]

describe("Cli/Get/advice", () => {
  for (const error of errors) {
    it(`names only options that exist after: ${error.message}`, () => {
      const text = adviceFor(error)
      const named = Array.from(text?.matchAll(/(?<![\w-])--?[a-z\d][\w-]*/g) ?? [], ([name]) => name)
      for (const name of named.filter((option) => option !== "-n")) {
        assert.isTrue(names.has(name), name)
      }
    })
  }

  it("has none for a file that the server does not have", () => {
    assert.isUndefined(adviceFor(new HttpStatus({ url, status: 404 })))
  })

  it("does not ask for a proxy if the proxy is what fails", () => {
    const at = (reason: Connection["reason"]) =>
      adviceFor(new Connection({ url, reason, receivedBytes: 0, detail: "http://proxy.test:3128: a cause" }))
    for (const reason of ["refused", "unknown-host", "dns", "unreachable", "reset", "proxy"] as const) {
      assert.strictEqual(at(reason), "--proxy URL uses another proxy, and --no-proxy LIST connects to hosts directly")
    }
    assert.notInclude(at("tls"), "--insecure")
    assert.include(at("proxy-authentication"), "the credentials of the proxy")
    const direct = new Connection({ url, reason: "refused", receivedBytes: 0, detail: "ECONNREFUSED" })
    assert.include(adviceFor(direct), "give it with --proxy URL")
  })
})
