import * as Data from "effect/Data"

/** A command line violates a rule, which is the message. It is printed as one sentence, and the exit code is 2. */
export class UsageError extends Data.TaggedError("UsageError")<{ readonly message: string }> {}
