/**
 * Makes a function that is built at its first call. To build the coder of a schema takes much longer than to use it once, and a short
 * run uses few of them.
 *
 * @internal
 */
export const late = <A, B>(build: () => (value: A) => B): ((value: A) => B) => {
  let built: ((value: A) => B) | undefined
  return (value) => {
    built ??= build()
    return built(value)
  }
}
