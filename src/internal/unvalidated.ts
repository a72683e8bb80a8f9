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
