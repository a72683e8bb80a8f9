/**
 * What all statements have in common: a time limit, the error, and numbers.
 */
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { BatchStorageError, storageError } from "../errors.js"

/** Gives an operation on the rows its time limit and its error. */
export const operation =
  (name: string) =>
  <A, R>(statements: Effect.Effect<A, SqlError, R>): Effect.Effect<A, BatchStorageError, R> =>
    statements.pipe(
      Effect.mapError(storageError(name)),
      Effect.timeoutFail({
        duration: timeLimit,
        onTimeout: () => new BatchStorageError({ operation: name, detail: `no answer within ${timeLimit}` })
      })
    )

const timeLimit = "30 seconds"

/** Drivers give a BIGINT and a sum as text or as a bigint. NULL is 0, for the sum of no rows. */
export const toNumber = (value: unknown): number => Number(value ?? 0)

export const toOptionalNumber = (value: unknown): number | undefined =>
  value === null || value === undefined ? undefined : Number(value)
