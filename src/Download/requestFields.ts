/**
 * Schemas of the request's fields that are checked, or that may contain a secret.
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import { identity } from "effect/Function"
import * as ParseResult from "effect/ParseResult"
import * as EffectRecord from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Digest from "../internal/digest.js"
import * as Method from "../internal/http/method.js"
import * as DisplayUrl from "../internal/text/displayUrl.js"
import * as RequestProblem from "./requestProblem.js"

/** How fields that may contain a secret are encoded. */
export interface Form {
  readonly url: (url: string) => string
  readonly label: (text: string) => string
  readonly path: (path: string) => string
  readonly headerValue: (value: Redacted.Redacted) => string
  readonly body: (body: Redacted.Redacted<Uint8Array>) => string
}

/** Encodes no secrets, and only the last segment of paths. */
export const withoutSecrets: Form = {
  url: DisplayUrl.displayUrl,
  label: DisplayUrl.displayLabel,
  path: DisplayUrl.displayName,
  headerValue: () => DisplayUrl.placeholder,
  body: () => DisplayUrl.placeholder
}

/** Encodes everything that a queue or another machine needs to carry the request out. */
export const withSecrets: Form = {
  url: (url) => url,
  label: (text) => text,
  path: (path) => path,
  headerValue: Redacted.value,
  body: (body) => Encoding.encodeBase64(Redacted.value(body))
}

// The message leaves the wrong value out, because it may be a secret.
const withMessage = <A, I>(schema: Schema.Schema<A, I>, message: string): Schema.Schema<A, I> =>
  schema.annotations({ message: () => ({ message, override: true }) })

/** A field that `decode` either decodes or refuses with a message. */
const codec = <A, B, I>(
  from: Schema.Schema<B, I>,
  to: Schema.Schema<A>,
  decode: (value: B) => Either.Either<A, string>,
  encode: (value: A) => B
): Schema.Schema<A, I> =>
  Schema.transformOrFail(from, to, {
    strict: true,
    decode: (value, _, ast) =>
      Either.mapLeft(decode(value), (message) => new ParseResult.Type(ast, undefined, message)),
    encode: (value) => ParseResult.succeed(encode(value))
  })

type FindProblem<A> = (value: A) => string | undefined

const checkedBy =
  <A>(findProblem: FindProblem<A> | undefined) =>
  (value: A): Either.Either<A, string> => {
    const problem = findProblem?.(value)
    return problem === undefined ? Either.right(value) : Either.left(problem)
  }

const text = withMessage(Schema.String, "it is not a string")

// JSON has no syntax for these numbers, so they are encoded as strings.
const numbersAsText: ReadonlySet<string> = new Set(["Infinity", "-Infinity", "NaN"])

const notNumber = "it is not a number"

const number: Schema.Schema<number, number | string> = codec(
  withMessage(Schema.Union(Schema.Number, Schema.String), notNumber),
  Schema.Number,
  (value) =>
    typeof value === "number" || numbersAsText.has(value) ? Either.right(Number(value)) : Either.left(notNumber),
  (value) => (Number.isFinite(value) ? value : `${value}`)
)

const boolean = withMessage(Schema.Boolean, "it is neither true nor false")

const notDuration = "it is not a duration: milliseconds, or text such as '5 seconds'"

const decodeDuration = (value: number | string): Either.Either<Duration.Duration, string> => {
  if (typeof value === "number") {
    return value >= 0 ? Either.right(Duration.millis(value)) : Either.left(notDuration)
  }
  if (value === "Infinity") {
    return Either.right(Duration.infinity)
  }
  return value.startsWith("-")
    ? Either.left(notDuration)
    : Either.fromOption(Duration.decodeUnknown(value), () => notDuration)
}

/** Encodes to milliseconds, or to `Infinity`. Also decodes text such as `5 seconds`. */
const duration: Schema.Schema<Duration.Duration, number | string> = codec(
  withMessage(Schema.Union(Schema.Number, Schema.String), notDuration),
  Schema.DurationFromSelf,
  decodeDuration,
  (value) => (Duration.isFinite(value) ? Duration.toMillis(value) : "Infinity")
)

const noBytes = Redacted.make(new Uint8Array())

/** Encodes to Base64. If `isChecked` is false, a body that was removed decodes as an empty one. */
const decodeBody =
  (isChecked: boolean) =>
  (encoded: string): Either.Either<Redacted.Redacted<Uint8Array>, string> => {
    if (encoded === DisplayUrl.placeholder) {
      return isChecked
        ? Either.left("it was removed when the request was encoded; DownloadRequestWithSecrets keeps it")
        : Either.right(noBytes)
    }
    return Either.mapBoth(Encoding.decodeBase64(encoded), { onLeft: () => "it is not Base64", onRight: Redacted.make })
  }

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/** Makes the schemas. With `isChecked`, decoding refuses values that no transfer can use. */
export const make = (form: Form, isChecked: boolean) => {
  const check = <A>(findProblem: FindProblem<A>) => checkedBy(isChecked ? findProblem : undefined)
  const string = (findProblem: FindProblem<string>, encode: (value: string) => string = identity) =>
    codec(text, Schema.String, check(findProblem), encode)
  const bytes = (findProblem: FindProblem<number>) => codec(number, Schema.Number, check(findProblem), identity)
  const time = (name: string) => codec(duration, Schema.DurationFromSelf, check(RequestProblem.ofTime(name)), identity)
  return {
    timeout: time("timeout"),
    deadline: optional(time("deadline")),
    connectTimeout: optional(time("connectTimeout")),
    headersTimeout: optional(time("headersTimeout")),
    stall: optional(
      codec(
        Schema.Struct({ bytes: number, within: duration }),
        Schema.Struct({ bytes: Schema.Number, within: Schema.DurationFromSelf }),
        check(RequestProblem.ofStall),
        identity
      )
    ),
    id: string(() => undefined, form.label),
    url: string(RequestProblem.ofUrl, form.url),
    destination: string(RequestProblem.ofDestination, form.path),
    headers: optional(
      codec(
        Schema.Record({ key: Schema.String, value: text }).annotations({
          message: () => "it is not an object of strings"
        }),
        Schema.Record({ key: Schema.String, value: Schema.RedactedFromSelf(Schema.String) }),
        (given) => check(RequestProblem.ofHeaders)(EffectRecord.map(given, (value) => Redacted.make(value))),
        (values) => EffectRecord.map(values, form.headerValue)
      )
    ),
    method: optional(string(Method.problem)),
    body: optional(codec(text, Schema.RedactedFromSelf(Schema.Uint8ArrayFromSelf), decodeBody(isChecked), form.body)),
    digest: optional(string(RequestProblem.ofDigest)),
    digestAlgorithm: optional(Schema.Literal(...Digest.algorithms)),
    mirrors: optional(
      codec(
        Schema.Array(text).annotations({ message: () => "it is not an array of strings" }),
        Schema.Array(Schema.String),
        check(RequestProblem.ofMirrors),
        (urls) => urls.map(form.url)
      )
    ),
    sizeBytes: optional(bytes(RequestProblem.ofSize)),
    limitBytes: optional(bytes(RequestProblem.ofLimit)),
    mediaType: optional(string(RequestProblem.ofMediaType)),
    resume: optional(boolean),
    continue: optional(boolean)
  }
}
