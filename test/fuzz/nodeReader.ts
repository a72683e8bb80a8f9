/**
 * `node:http` as a reference: how Node's own parser reads a response from a scripted socket.
 */
import { type IncomingMessage, request } from "node:http"
import * as Effect from "effect/Effect"
import { fromCause } from "../../src/Transport/httpClientErrors.js"
import { fieldsOf, informationalAtMost, type Reading, ScriptedSocket } from "./reference.js"
import type { FuzzCase } from "./responses.js"

export const read = (fuzz: FuzzCase): Effect.Effect<Reading> =>
  Effect.async((resume) => {
    let [status, body, informational, isOver, isReset] = [0, "", 0, false, false]
    let headers: Record<string, string> = {}
    const end = (how: string): void => {
      if (!isOver) {
        isOver = true
        resume(Effect.succeed({ status, headers, body, how }))
        sent.destroy()
      }
    }
    const fail = (cause: unknown): void => {
      const shape = status === 0 ? undefined : { receivedBytes: body.length, expectedBytes: undefined }
      end(fromCause("http://origin.test/", cause, shape)._tag)
    }
    const receive = (response: IncomingMessage): void => {
      status = response.statusCode ?? 0
      headers = fieldsOf(response.headersDistinct)
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString("latin1")
      })
      // Node treats a reset as the end of a body that ends with its connection.
      response.on("end", () => end(isReset ? "Truncated" : "Ended"))
      response.on("error", fail)
      response.on("aborted", () => end("Truncated"))
    }
    const sent = request({
      host: "origin.test",
      path: "/file",
      maxHeaderSize: 256 * 1024,
      createConnection: () => {
        const socket = new ScriptedSocket(fuzz.pieces, fuzz.ending, () => {
          isReset = true
        })
        setImmediate(() => socket.emit("connect"))
        return socket
      }
    })
    sent.on("information", () => {
      if (++informational > informationalAtMost) {
        end("Protocol")
      }
    })
    sent.on("response", receive)
    sent.on("upgrade", () => end("Protocol"))
    sent.on("error", fail)
    sent.on("close", () => fail(Object.assign(new Error("closed"), { code: "ECONNRESET" })))
    sent.end()
  })
