/**
 * For values that this package makes of values it has checked: Effect builds the validator of a class whose fields are
 * transformed (a Duration, a Redacted) anew for each value, which takes longer than all the rest of a small transfer.
 *
 * @internal
 */
export const unchecked = { disableValidation: true } as const
