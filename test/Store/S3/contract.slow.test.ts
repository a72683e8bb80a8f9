/**
 * The contract of `Store` over OpenStack Swift, which Debian has.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as S3Store from "../../../src/Store/S3.js"
import * as Contracts from "../../../src/testing/Contracts.js"
import { runCases } from "../../support/runCases.js"
import * as Programs from "../../support/servers/programs.js"
import { bucketAt, counting, overTransport, partsIn } from "../../support/storage/s3Bucket.js"

const isInstalled = Programs.isInstalled("swift-proxy-server")

describe.skipIf(!isInstalled)(`Store/S3${isInstalled ? "" : " (skipped: swift-proxy is not installed)"}`, () => {
  const scope = Effect.runSync(Scope.make())
  let endpoint = ""

  beforeAll(async () => {
    const program = await Effect.runPromise(Scope.extend(Programs.swift, scope))
    endpoint = program.url
    await Effect.runPromise(bucketAt(endpoint, "").client.createBucket)
  }, 60_000)

  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

  let cases = 0

  for (const [name, base] of [
    ["undici", NodeHttpClient.layerUndici],
    ["the sockets of halyard", overTransport]
  ] as const) {
    describe(`over ${name}`, () => {
      runCases(
        Contracts.store(
          Effect.sync(() => {
            const bucket = bucketAt(endpoint, `case-${cases++}`)
            const { client, count } = counting(base)
            const destination = "directory/file (ä+1)"
            return {
              layer: Layer.fresh(S3Store.layer(bucket.options)).pipe(Layer.provide(client), Layer.orDie),
              destination,
              keeps: true,
              writes: count,
              read: Effect.map(bucket.client.get(`${bucket.options.prefix}/${destination}`), (found) =>
                found === undefined ? undefined : new TextDecoder().decode(found)
              ),
              parts: Effect.map(partsIn(bucket), ({ length }) => length)
            }
          })
        )
      )
    })
  }

  it.live("runs on a storage that answers", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* bucketAt(endpoint, "none").client.keys("none/"), [])
    })
  )
})
