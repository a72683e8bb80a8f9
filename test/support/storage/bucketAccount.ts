/**
 * The environment of a program that writes to the object storage of a test, and its secrets, which no output may have.
 */
import { assert } from "@effect/vitest"

export const secrets = { AWS_SECRET_ACCESS_KEY: "testing", AWS_SESSION_TOKEN: "token-of-the-session" }

/** The account of `bucketAt`. */
export const accountAt = (endpoint: string): Record<string, string> => ({
  AWS_ACCESS_KEY_ID: "test:tester",
  AWS_SECRET_ACCESS_KEY: secrets.AWS_SECRET_ACCESS_KEY,
  AWS_ENDPOINT_URL_S3: endpoint,
  // The specific variable comes first.
  AWS_ENDPOINT_URL: "http://127.0.0.1:9"
})

/** The same with a session token, which Swift does not take. */
export const sessionAt = (endpoint: string): Record<string, string> => ({
  ...accountAt(endpoint),
  AWS_SESSION_TOKEN: secrets.AWS_SESSION_TOKEN
})

export const hasNoSecret = (text: string): void => {
  for (const secret of Object.values(secrets)) {
    assert.notInclude(text, secret)
  }
}
