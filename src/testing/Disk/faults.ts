/**
 * Carries out the operations of a disk, or lets them fail, wait or never end.
 */
import { SystemError } from "@effect/platform/Error"
import * as Effect from "effect/Effect"
import { type Bounds, Errno } from "./volume.js"

/**
 * One operation, before it is carried out.
 *
 * @category models
 * @since 0.2.0
 */
export interface Operation {
  readonly name:
    | "open"
    | "write"
    | "read"
    | "truncate"
    | "sync"
    | "syncDirectory"
    | "syncFileSystem"
    | "rename"
    | "link"
    | "remove"
    | "look"
  readonly path: string
  /** The second name of `rename` and `link`. */
  readonly to?: string | undefined
}

/**
 * What happens to an operation. By default it is carried out at once.
 *
 * @category models
 * @since 0.2.0
 */
export interface Fate {
  /** The operation fails with this code, such as `ENOSPC`. */
  readonly errno?: string | undefined
  /** The operation is carried out after this time. */
  readonly delayMillis?: number | undefined
  /** The operation never ends. */
  readonly never?: boolean | undefined
  /** A write takes at most so many bytes, and succeeds. */
  readonly takesBytes?: number | undefined
}

/**
 * Options of a disk.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options extends Bounds {
  /** Decides what happens to an operation. */
  readonly fate?: ((operation: Operation) => Fate | undefined) | undefined
  /** Called after each operation that was carried out. */
  readonly onDone?: ((operation: Operation) => void) | undefined
}

export class Faults {
  constructor(private readonly options: () => Options) {}

  /** Carries out an operation as an effect. `act` fails by throwing an `Errno`. */
  perform<A>(operation: Operation, act: (fate?: Fate) => A): Effect.Effect<A, SystemError> {
    return Effect.suspend(() => {
      const fate = this.options().fate?.(operation)
      const acting = Effect.suspend(() => {
        if (fate?.never === true) {
          // Not `Effect.never`, whose interval would keep the process of a simulation alive.
          return Effect.async<never>(() => {})
        }
        if (fate?.errno !== undefined) {
          return Effect.fail(systemError(fate.errno, operation))
        }
        try {
          const done = act(fate)
          this.options().onDone?.(operation)
          return Effect.succeed(done)
        } catch (cause) {
          return cause instanceof Errno ? Effect.fail(systemError(cause.code, operation)) : Effect.die(cause)
        }
      })
      return fate?.delayMillis === undefined ? acting : Effect.zipRight(Effect.sleep(fate.delayMillis), acting)
    })
  }

  /** Carries out an operation at once, without its delay. One that never ends fails with EIO. Throws an `Errno`. */
  performSync<A>(operation: Operation, act: (fate?: Fate) => A): A {
    const fate = this.options().fate?.(operation)
    if (fate?.errno !== undefined || fate?.never === true) {
      throw new Errno(fate.errno ?? "EIO")
    }
    const done = act(fate)
    this.options().onDone?.(operation)
    return done
  }
}

/** The bytes of a chunk that a write takes. */
export const takenBytes = (chunk: Uint8Array, fate: Fate | undefined): Uint8Array =>
  fate?.takesBytes === undefined ? chunk : chunk.subarray(0, fate.takesBytes)

const reasons: Readonly<Record<string, SystemError["reason"]>> = {
  ENOENT: "NotFound",
  EEXIST: "AlreadyExists",
  EACCES: "PermissionDenied",
  EROFS: "PermissionDenied"
}

export const systemError = (code: string, operation: Operation): SystemError =>
  new SystemError({
    reason: reasons[code] ?? "Unknown",
    module: "FileSystem",
    method: operation.name,
    pathOrDescriptor: operation.path,
    cause: Object.assign(new Error(code), { code })
  })
