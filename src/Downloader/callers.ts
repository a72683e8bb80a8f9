/**
 * Makes the caller of a program that calls a downloader: the transfer for its governor and hasher, and its ports.
 */
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { Cookies } from "../Cookies.js"
import * as RequestHeaders from "../Download/requestHeaders.js"
import type { Background } from "../engine/background.js"
import { Caller } from "../engine/caller.js"
import * as Limits from "../engine/limits.js"
import { Listener } from "../engine/listener.js"
import type { ResumeRule } from "../engine/resume/resumeRule.js"
import type { segmentRule } from "../engine/segments/segmentRule.js"
import { makeTransfer, type Transfer } from "../engine/transfer.js"
import { warnOfUnusedLimits } from "../engine/unusedLimits.js"
import { Hasher } from "../Hasher.js"
import * as Journal from "../Journal.js"
import * as OriginGovernor from "../OriginGovernor.js"
import { Progress } from "../Progress.js"
import * as RetryPolicy from "../RetryPolicy.js"
import type { Store } from "../Store.js"
import type { Transport } from "../Transport.js"
import { defaults, type Options } from "./options.js"

/** Makes the effect that gives the caller of the program that runs it. */
export const makeCurrentCaller = (
  options: Options,
  background: Background,
  rule: typeof segmentRule,
  resume: ResumeRule
): Effect.Effect<Effect.Effect<Caller>, never, Transport | Store | Scope.Scope> =>
  Effect.gen(function* () {
    const ports = yield* Effect.context<Transport | Store | Scope.Scope>()
    const built = yield* Effect.context<never>()
    const makeTransferOf = (
      governor: typeof OriginGovernor.OriginGovernor.Service,
      hasher: typeof Hasher.Service
    ): Effect.Effect<Transfer> =>
      makeTransfer(
        {
          retry: RetryPolicy.make(options.retry ?? {}),
          limits: Limits.forDownloader(options, defaults),
          durability: options.durability ?? defaults.durability,
          headers: RequestHeaders.makeDefaults(options.userAgent ?? defaults.userAgent),
          strict: options.strict ?? false,
          responses: options.responses ?? false,
          exchanges: options.exchanges ?? true,
          mtime: options.mtime ?? true,
          limitBytes: options.limitBytes ?? Number.POSITIVE_INFINITY,
          segments:
            options.segments === undefined || !(options.segments > 1) ? undefined : rule(Math.trunc(options.segments)),
          resume
        },
        governor
      ).pipe(Effect.provideService(Hasher, hasher), Effect.provide(ports))
    const given = Context.getOption(built, OriginGovernor.OriginGovernor)
    yield* Option.isSome(given) ? warnOfUnusedLimits(options) : Effect.void
    const governor = Option.isSome(given) ? given.value : yield* OriginGovernor.make(options)
    const listeners = new WeakMap<typeof Progress.Service, Listener>()
    const transfers = new WeakMap<
      typeof OriginGovernor.OriginGovernor.Service,
      WeakMap<typeof Hasher.Service, Transfer>
    >([[governor, new WeakMap()]])

    const transferOf = (context: Context.Context<never>): Effect.Effect<Transfer> =>
      Effect.suspend(() => {
        const found = Option.getOrElse(Context.getOption(context, OriginGovernor.OriginGovernor), () => governor)
        const hasher = Context.get(context, Hasher)
        const known = transfers.get(found)
        const made = known?.get(hasher)
        if (made !== undefined) {
          return Effect.succeed(made)
        }
        const byHasher = known ?? new WeakMap<typeof Hasher.Service, Transfer>()
        transfers.set(found, byHasher)
        return Effect.zipRight(
          known === undefined ? warnOfUnusedLimits(options) : Effect.void,
          Effect.tap(makeTransferOf(found, hasher), (transfer) => Effect.sync(() => byHasher.set(hasher, transfer)))
        )
      })

    // Invalid options are refused when the layer is built.
    yield* transferOf(built)

    const listenerOf = (progress: typeof Progress.Service): Listener | undefined => {
      if (progress === defaultProgress) {
        return undefined
      }
      const known = listeners.get(progress)
      const listener = known ?? new Listener(progress, background)
      if (known === undefined) {
        listeners.set(progress, listener)
      }
      return listener
    }

    const origins = new Set(options.traceOrigins?.map((url) => new URL(url).origin))
    return Effect.flatMap(
      Effect.zip(Effect.runtime(), Effect.zip(Effect.tracer, Effect.clock)),
      ([runtime, [tracer, clock]]) => {
        const isEnabled = FiberRefs.getOrDefault(runtime.fiberRefs, FiberRef.currentTracerEnabled)
        // One rule for all ports: the context of the calling program, or else the context in which the downloader was built.
        const context = Context.merge(built, runtime.context)
        return Effect.map(
          transferOf(context),
          (transfer) =>
            new Caller({
              transfer,
              runtime,
              background,
              listener: listenerOf(Context.get(context, Progress)),
              journal: Option.getOrUndefined(Context.getOption(context, Journal.Journal)),
              cookies: Option.getOrUndefined(Context.getOption(context, Cookies)),
              hasher: Context.get(context, Hasher),
              clock,
              // Effect's default tracer drops its spans, but would still create them.
              tracing: tracer !== defaultTracer && isEnabled ? { tracer, clock, origins } : undefined
            })
        )
      }
    )
  })

// The default `Progress` ignores events.
const defaultProgress = Context.get(Context.empty(), Progress)

const defaultTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)
