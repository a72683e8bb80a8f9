/**
 * The example in docs/object-storage.md, with the standard environment variables.
 */
import { assert, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as S3Store from "../../../src/Store/S3.js"
import { clean, download, layer } from "../../examples/objectStorage.js"
import { http } from "../../support/servers/loopback.js"
import { textAt } from "../../support/storage/s3Bucket.js"
import { scriptedS3 } from "../../support/storage/scriptedS3.js"

const variables = {
  AWS_ACCESS_KEY_ID: "key",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_SESSION_TOKEN: "token",
  AWS_DEFAULT_REGION: "eu-central-1"
}

const withVariables = (more: Readonly<Record<string, string>>) =>
  Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries({ ...variables, ...more }))))

it.scopedLive("saves a file in a bucket", () =>
  Effect.gen(function* () {
    const storage = yield* scriptedS3
    const { url } = yield* http((_, response) => response.writeHead(200, { etag: '"1"' }).end("a cat"))
    const run = Effect.gen(function* () {
      assert.deepInclude(yield* Effect.provide(download(`${url}/cat.gif`), layer), { _tag: "Saved", bytes: 5 })
      assert.deepStrictEqual(yield* clean, [])
    })
    yield* withVariables({ AWS_ENDPOINT_URL_S3: storage.endpoint, AWS_ENDPOINT_URL: "http://127.0.0.1:9" })(run)
    const { key } = storage.requests.find(({ operation }) => operation === "put") ?? {}
    assert.strictEqual(key, "2026/cats/1.gif")
    // The name of the bucket is in the path.
    assert.strictEqual(textAt(storage, "2026/cats/1.gif"), "a cat")
    for (const { headers } of storage.requests) {
      assert.match(headers.authorization ?? "", /Credential=key\/\d{8}\/eu-central-1\/s3\/aws4_request/)
      assert.strictEqual(headers["x-amz-security-token"], "token")
    }
  })
)

it.effect("reads the variables, of which the key and the secret are required", () =>
  Effect.gen(function* () {
    const { credentials, endpoint, region } = yield* withVariables({ AWS_REGION: "eu-west-1" })(S3Store.environment)
    assert.strictEqual(region, "eu-west-1")
    assert.isUndefined(endpoint)
    assert.strictEqual(Redacted.value(credentials.secretAccessKey), "secret")
    const missing = yield* Effect.flip(
      Effect.withConfigProvider(S3Store.environment, ConfigProvider.fromMap(new Map([["AWS_REGION", "eu-west-1"]])))
    )
    assert.include(String(missing), "AWS_ACCESS_KEY_ID")
  })
)
