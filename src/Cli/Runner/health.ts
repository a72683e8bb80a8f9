/**
 * The health of a runner, for the probes of a container platform.
 */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Batches from "../../cluster/Batches.js"
import { Host, RunnerError } from "../Host.js"
import { listenProblem } from "../Serve/listenProblem.js"

/** `starting` and `stopping`: before and after it carries out batches. `no-database`: the database does not answer. */
type State = "starting" | "running" | "stopping" | "no-database"

export class Health {
  private state: State = "starting"
  private batches: typeof Batches.Batches.Service | undefined

  constructor(private readonly version: string) {}

  get isStopping(): boolean {
    return this.state === "stopping"
  }

  readonly begin: Effect.Effect<void, never, Batches.Batches> = Effect.map(Batches.Batches, (batches) => {
    this.batches = batches
    this.state = "running"
  })

  readonly end: Effect.Effect<void> = Effect.sync(() => {
    this.state = "stopping"
  })

  /** Answers `GET /health` with 200 while the runner carries out batches and its database answers, and otherwise with 503. */
  layer(address: { readonly hostname: string; readonly port: number }): Layer.Layer<never, RunnerError, Host> {
    const app = HttpRouter.empty.pipe(
      HttpRouter.get(
        "/health",
        Effect.flatMap(this.current, (state) =>
          HttpServerResponse.json({ state, halyard: this.version }, { status: state === "running" ? 200 : 503 })
        )
      )
    )
    return Layer.unwrapEffect(
      Effect.map(Host, ({ listen }) =>
        HttpServer.serve(app).pipe(
          Layer.provide(listen(address)),
          Layer.mapError(
            ({ cause }) =>
              new RunnerError({
                message: `cannot listen on ${address.hostname}:${address.port}: ${listenProblem(cause)}`
              })
          )
        )
      )
    )
  }

  private readonly current: Effect.Effect<State> = Effect.suspend(() => {
    const { batches, state } = this
    if (batches === undefined || state !== "running") {
      return Effect.succeed(state)
    }
    // There is no batch with this id, and only the database can say so.
    return Effect.timeout(batches.status("-"), answerTimeout).pipe(
      Effect.as<State>("running"),
      Effect.catchAll(({ _tag }) => Effect.succeed<State>(_tag === "BatchNotFound" ? "running" : "no-database"))
    )
  })
}

const answerTimeout = "2 seconds"
