/**
 * How the fields of a request are decoded and encoded.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as DisplayUrl from "../internal/text/displayUrl.js"
import * as RequestProblem from "./requestProblem.js"

/** How an encoded form shows fields that may contain a secret. */
export interface Form {
  readonly url: (url: string) => string
  readonly label: (text: string) => string
  readonly path: (path: string) => string
  readonly headerValue: (value: Redacted.Redacted) => string
}

/** No secrets, and only the last segment of paths. */
export const withoutSecrets: Form = {
  url: DisplayUrl.displayUrl,
  label: DisplayUrl.displayLabel,
  path: DisplayUrl.displayName,
  headerValue: () => DisplayUrl.placeholder
}

/** For queues and other machines: everything that is needed to carry the request out. */
export const withSecrets: Form = {
  url: (url) => url,
  label: (text) => text,
  path: (path) => path,
  headerValue: Redacted.value
}

type Problem<A> = (value: A) => string | undefined

// The wrong value is not shown, because it may be a secret.
const hidden = <A, I>(schema: Schema.Schema<A, I>, expected: string): Schema.Schema<A, I> =>
  schema.annotations({ message: () => ({ message: `it is not ${expected}`, override: true }) })

/** A value that is encoded with `encode`. If `problem` is given, decoding fails for values with a problem. */
const field = <A, I>(
  from: Schema.Schema<A, I>,
  to: Schema.Schema<A>,
  problem: Problem<A> | undefined,
  encode: (value: A) => A = (value) => value
): Schema.Schema<A, I> =>
  Schema.transformOrFail(from, to, {
    strict: true,
    decode: (value, _, ast) => {
      const refused = problem?.(value)
      return refused === undefined
        ? ParseResult.succeed(value)
        : ParseResult.fail(new ParseResult.Type(ast, undefined, refused))
    },
    encode: (value) => ParseResult.succeed(encode(value))
  })

const text = hidden(Schema.String, "a string")

// JSON cannot write these numbers.
const unwritable: ReadonlySet<string> = new Set(["Infinity", "-Infinity", "NaN"])

const number: Schema.Schema<number, number | string> = Schema.transformOrFail(
  hidden(Schema.Union(Schema.Number, Schema.String), "a number"),
  Schema.Number,
  {
    strict: true,
    decode: (value, _, ast) =>
      typeof value === "number" || unwritable.has(value)
        ? ParseResult.succeed(Number(value))
        : ParseResult.fail(new ParseResult.Type(ast, undefined, "it is not a number")),
    encode: (value) => ParseResult.succeed(Number.isFinite(value) ? value : `${value}`)
  }
)

const durationOf = (value: number | string): Option.Option<Duration.Duration> => {
  if (typeof value === "number") {
    return value >= 0 ? Option.some(Duration.millis(value)) : Option.none()
  }
  if (value === "Infinity") {
    return Option.some(Duration.infinity)
  }
  return value.startsWith("-") ? Option.none() : Duration.decodeUnknown(value)
}

/** From milliseconds, or from text such as `5 seconds` or `Infinity`; to milliseconds, or `Infinity`. */
const duration: Schema.Schema<Duration.Duration, number | string> = Schema.transformOrFail(
  hidden(Schema.Union(Schema.Number, Schema.String), "a duration: milliseconds, or text such as '5 seconds'"),
  Schema.DurationFromSelf,
  {
    strict: true,
    decode: (value, _, ast) =>
      Option.match(durationOf(value), {
        onNone: () =>
          ParseResult.fail(
            new ParseResult.Type(ast, undefined, "it is not a duration: milliseconds, or text such as '5 seconds'")
          ),
        onSome: ParseResult.succeed
      }),
    encode: (value) => ParseResult.succeed(Duration.isFinite(value) ? Duration.toMillis(value) : "Infinity")
  }
)

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/** The fields whose encoded form may contain secrets. With `isChecked`, decoding refuses values that no transfer could use. */
export const make = (form: Form, isChecked: boolean) => {
  const unless = <A>(problem: Problem<A>): Problem<A> | undefined => (isChecked ? problem : undefined)
  const time = (name: string) => field(duration, Schema.DurationFromSelf, unless(RequestProblem.ofTime(name)))
  return {
    timeout: time("timeout"),
    deadline: optional(time("deadline")),
    connectTimeout: optional(time("connectTimeout")),
    headersTimeout: optional(time("headersTimeout")),
    stall: optional(
      field(
        Schema.Struct({ bytes: number, within: duration }),
        Schema.Struct({ bytes: Schema.Number, within: Schema.DurationFromSelf }),
        unless(RequestProblem.ofStall)
      )
    ),
    id: field(text, Schema.String, undefined, form.label),
    url: field(text, Schema.String, unless(RequestProblem.ofUrl), form.url),
    destination: field(text, Schema.String, unless(RequestProblem.ofDestination), form.path),
    headers: optional(
      Schema.transformOrFail(
        Schema.Record({ key: Schema.String, value: text }).annotations({
          message: () => "it is not an object of strings"
        }),
        Schema.Record({ key: Schema.String, value: Schema.RedactedFromSelf(Schema.String) }),
        {
          strict: true,
          decode: (given, _, ast) => {
            const values = Object.fromEntries(
              Object.entries(given).map(([name, value]) => [name, Redacted.make(value)])
            )
            const refused = isChecked ? RequestProblem.ofHeaders(values) : undefined
            return refused === undefined
              ? ParseResult.succeed(values)
              : ParseResult.fail(new ParseResult.Type(ast, undefined, refused))
          },
          encode: (values) =>
            ParseResult.succeed(
              Object.fromEntries(Object.entries(values).map(([name, value]) => [name, form.headerValue(value)]))
            )
        }
      )
    ),
    digest: optional(field(text, Schema.String, unless(RequestProblem.ofDigest))),
    sizeBytes: optional(field(number, Schema.Number, unless(RequestProblem.ofSize))),
    limitBytes: optional(field(number, Schema.Number, unless(RequestProblem.ofLimit))),
    mediaType: optional(field(text, Schema.String, unless(RequestProblem.ofMediaType)))
  }
}
