/**
 * The access of the file that a part replaces. The new file gets the same.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { specialFile } from "../../DownloadError/diskErrors.js"
import { andThen } from "../../internal/andThen.js"
import type { PublishOptions } from "../../Store.js"
import type { Access } from "./fileAccess.js"
import type { FileOperations } from "./fileOperations.js"

type Look = Pick<FileOperations<never>, "accessOf">

export class ReplacedAccess {
  /** Undefined if there is no such file, or if it was not looked at. */
  found: Access | undefined
  private isKnown = false

  /** Looks at the destination before the part is created, unless that was done. */
  look(operations: Look, destination: string): Effect.Effect<void, unknown> {
    if (this.isKnown) {
      return Exit.void
    }
    return andThen(operations.accessOf(destination), (found) => {
      this.found = found === "special" ? undefined : found
      this.isKnown = true
      return Exit.void
    })
  }

  /** Looks at the path that the part gets, where another file may be than when the part was opened. `isCreated`: the part is a file. */
  lookAgain(
    operations: Look,
    target: string,
    onExists: PublishOptions["onExists"],
    isCreated: boolean
  ): Effect.Effect<void, unknown> {
    if (onExists === "overwrite") {
      return andThen(operations.accessOf(target), (found) => {
        if (found === "special") {
          return Exit.fail(specialFile(target))
        }
        this.found = found ?? this.found
        this.isKnown = true
        return Exit.void
      })
    }
    // Without a file at the destination there is no access to keep.
    this.isKnown ||= !isCreated && onExists !== "unique"
    return Exit.void
  }
}
