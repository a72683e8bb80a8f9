/**
 * Makes values of this package's own classes from fields that are already valid.
 *
 * A constructor of `Schema` looks for defaults and validates. For a class with transformed fields (a Duration, a Redacted) it
 * builds the validator anew for each value. This takes 1.3 µs, and five times as long in a program that has just started.
 */

/** The option that turns validation off, for the constructor of a class without a tag. */
export const unvalidated = { disableValidation: true } as const

/** Does what `make` does, for a class without a tag. */
export const makeUntagged = <Fields extends object, A extends object>(
  Class: { readonly prototype: A } & (new (fields: Fields) => A),
  fields: Fields
): A => Object.assign(Object.create(Class.prototype), fields)

/** Returns what `new Class(fields)` returns, without validation. */
export const make = <Fields extends object, A extends { readonly _tag: string }>(
  Class: { readonly _tag: A["_tag"]; readonly prototype: A } & (new (fields: Fields) => A),
  fields: Fields
): A => Object.assign(Object.create(Class.prototype), fields, { _tag: Class._tag })

type Optional<A, Name extends keyof A> = undefined extends A[Name] ? Name : never

/** Fields without those that are undefined, which a field with `exact` must not be. */
export type Defined<A> = { readonly [Name in keyof A as Exclude<Name, Optional<A, Name & keyof A>>]: A[Name] } & {
  readonly [Name in keyof A as Optional<A, Name & keyof A>]?: Exclude<A[Name], undefined>
}

/** Returns the fields that are not undefined. */
export function defined<A extends object>(fields: A): Defined<A>
export function defined(fields: Readonly<Record<string, unknown>>): object {
  const found: Record<string, unknown> = {}
  for (const name in fields) {
    if (fields[name] !== undefined) {
      found[name] = fields[name]
    }
  }
  return found
}
