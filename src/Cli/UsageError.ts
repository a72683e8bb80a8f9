/**
 * The error of a command line that is wrong. It is printed as one sentence, and the exit code is 2.
 */
import * as Schema from "effect/Schema"

/**
 * A command line violates a rule. The message is the rule.
 */
export class UsageError extends Schema.TaggedError<UsageError>("halyard/Cli/UsageError")("UsageError", {
  rule: Schema.String
}) {
  override get message(): string {
    return this.rule
  }
}
