/**
 * One transfer for all who ask for the same file at the same time.
 *
 * Two requests are for the same file when they name the same destination; where anything else differs between them, the
 * later one waits until the earlier one is done, and then meets what stands there. Who wants a file for itself (`unique`)
 * shares with nobody and waits for nobody.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Struct from "effect/Struct"
import { Cancelled, type DownloadOutcome, DownloadRequest } from "../Download.js"
import { type Restore, settle, withRequest } from "./settle.js"
import type { Hooks, Transfer } from "./transfer.js"
import { unchecked } from "./unchecked.js"

interface Shared {
  readonly request: DownloadRequest
  readonly fiber: Fiber.RuntimeFiber<DownloadOutcome>
  users: number
  /** The last has left, and it is coming to its end. */
  isLeft: boolean
}

export type Share = (
  request: DownloadRequest,
  restore: Restore,
  hooks: Omit<Hooks, "decide">
) => Effect.Effect<DownloadOutcome>

/** A transfer that is shared ends with the last who waits for it, and at the latest with the scope. */
export const make = (transfer: Transfer): Effect.Effect<Share, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    const underway = new Map<string, Shared>()

    const begin = (request: DownloadRequest, key: string, hooks: Omit<Hooks, "decide">): Effect.Effect<Shared> =>
      // Uninterruptible but for the transfer in it, so that giving it up has an outcome too.
      settle(transfer, request, Effect.interruptible, hooks).pipe(
        Effect.forkIn(scope),
        Effect.map((fiber) => {
          const shared = { request, fiber, users: 0, isLeft: false }
          underway.set(key, shared)
          fiber.addObserver(() => {
            underway.delete(key)
          })
          return shared
        })
      )

    const join = (shared: Shared, request: DownloadRequest, restore: Restore): Effect.Effect<DownloadOutcome> => {
      shared.users++
      return Effect.matchCauseEffect(restore(Fiber.await(shared.fiber)), {
        onSuccess: (exit) => {
          shared.users--
          return outcomeOf(request, exit)
        },
        onFailure: () => {
          shared.users--
          shared.isLeft = shared.users === 0
          return shared.users > 0
            ? Effect.succeed(new Cancelled({ request }, unchecked))
            : Effect.flatMap(Fiber.interrupt(shared.fiber), (exit) => outcomeOf(request, exit))
        }
      })
    }

    const share: Share = (request, restore, hooks) =>
      Effect.suspend(() => {
        if (request.onExists === "unique") {
          return settle(transfer, request, restore, hooks)
        }
        const key = keyOf(request.destination)
        const found = underway.get(key)
        if (found === undefined) {
          return Effect.flatMap(begin(request, key, hooks), (shared) => join(shared, request, restore))
        }
        if (!found.isLeft && isSameFile(found.request, request)) {
          return join(found, request, restore)
        }
        return Effect.matchCauseEffect(restore(Fiber.await(found.fiber)), {
          onSuccess: () => share(request, restore, hooks),
          onFailure: () => Effect.succeed(new Cancelled({ request }, unchecked))
        })
      })

    return share
  })

// Names that some file system takes for one, by case or by Unicode form.
const keyOf = (destination: string): string => destination.normalize("NFC").toLowerCase()

const isSameFile = Schema.equivalence(Schema.typeSchema(Schema.Struct(Struct.omit(DownloadRequest.fields, "id"))))

const outcomeOf = (request: DownloadRequest, exit: Exit.Exit<DownloadOutcome>): Effect.Effect<DownloadOutcome> =>
  Effect.map(exit, (outcome) => withRequest(request, outcome))
