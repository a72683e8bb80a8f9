import { assert, describe, it } from "@effect/vitest"
import { options } from "../../../../src/Cli/Get/options.js"
import { adviceFor } from "../../../../src/Cli/Get/summary/advice.js"
import * as RequestProblem from "../../../../src/Download/requestProblem.js"
import {
  Connection,
  Disk,
  type DownloadError,
  HttpStatus,
  InvalidRequest,
  Timeout
} from "../../../../src/DownloadError.js"
import * as TlsErrors from "../../../../src/Transport/tlsErrors.js"

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

describe("Cli/Get/summary/advice", () => {
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

  it("is about what is wrong with TLS", () => {
    const advised = (code: string) =>
      adviceFor(new Connection({ url, reason: "tls", receivedBytes: 0, detail: TlsErrors.explain(code, "") })) ?? ""
    assert.include(advised("ERR_SSL_WRONG_VERSION_NUMBER"), "http://")
    assert.notInclude(advised("ERR_SSL_WRONG_VERSION_NUMBER"), "--insecure")
    assert.include(advised("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"), "--cert FILE")
    assert.include(advised("DEPTH_ZERO_SELF_SIGNED_CERT"), "--cacert FILE")
  })

  it("asks for https:// if the URL has no scheme but a port", () => {
    const advised = (text: string) =>
      adviceFor(new InvalidRequest({ url: text, detail: RequestProblem.ofUrl(text) ?? "" })) ?? ""
    for (const text of ["localhost:8080/a", "files.example:8080/a", "files.example/a"]) {
      assert.include(advised(text), "a URL begins with https://", text)
    }
  })

  it("asks for no proxy to a server of this machine", () => {
    const advised = (refused: string) =>
      adviceFor(new Connection({ url: refused, reason: "refused", receivedBytes: 0, detail: "ECONNREFUSED" }))
    for (const host of ["localhost", "127.0.0.1:8080", "[::1]:80"]) {
      assert.isUndefined(advised(`http://${host}/a`), host)
    }
    assert.include(advised("http://localhost.test/a"), "--proxy URL")
    assert.include(advised("http://127.0.0.1.test/a"), "--proxy URL")
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
