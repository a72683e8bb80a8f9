/**
 * What a user wrote that cannot be meant: told in one sentence, with exit code 2.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A command line that breaks a rule; the message is the rule.
 *
 * @category errors
 * @since 0.1.0
 */
export class UsageError extends Schema.TaggedError<UsageError>("halyard/Cli/UsageError")("UsageError", {
  rule: Schema.String
}) {
  override get message(): string {
    return this.rule
  }
}
