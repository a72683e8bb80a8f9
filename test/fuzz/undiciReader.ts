/**
 * undici as a reference: how its parser reads a response from a scripted socket.
 */
import * as Undici from "@effect/platform-node/Undici"
import * as Effect from "effect/Effect"
import { fromCause } from "../../src/Transport/httpClientErrors.js"
import { fieldsOf, informationalAtMost, type Reading, ScriptedSocket } from "./reference.js"
import type { FuzzCase } from "./responses.js"

export const read = (fuzz: FuzzCase): Effect.Effect<Reading> =>
  Effect.async((resume) => {
    let isReset = false
    const agent = new Undici.Agent({
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 256 * 1024,
      connect: (_options, done) => {
        setImmediate(() =>
          done(
            null,
            new ScriptedSocket(fuzz.piecesForUndici, fuzz.ending, () => {
              isReset = true
            })
          )
        )
      }
    })
    let [status, body, informational, isOver] = [0, "", 0, false]
    let headers: Record<string, string> = {}
    const end = (how: string): void => {
      if (!isOver) {
        isOver = true
        const reading = { status, headers, body, how }
        resume(
          Effect.as(
            Effect.promise(() => agent.destroy().catch(() => {})),
            reading
          )
        )
      }
    }
    const fail = (cause: unknown): void => {
      const shape = status === 0 ? undefined : { receivedBytes: body.length, expectedBytes: undefined }
      end(fromCause("http://origin.test/", cause, shape)._tag)
    }
    agent.dispatch(
      { origin: "http://origin.test", path: "/file", method: "GET" },
      {
        onRequestStart: () => {},
        onResponseStart: (controller, code, fields) => {
          if (code >= 200) {
            status = code
            headers = fieldsOf(fields)
          } else if (++informational > informationalAtMost) {
            controller.abort(new Error("too many"))
            end("Protocol")
          }
        },
        onResponseData: (_controller, chunk) => {
          body += Buffer.from(chunk).toString("latin1")
        },
        // undici treats a reset as the end of a body that ends with its connection.
        onResponseEnd: () => end(isReset ? "Truncated" : "Ended"),
        onResponseError: (_controller, cause) => fail(cause)
      }
    )
  })
