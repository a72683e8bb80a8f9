/**
 * A store in an object storage for the commands. The account and the endpoint are those of the environment variables that the tools of
 * Amazon read. Its requests go over a transport of their own, which no downloader uses.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { NetworkOptions, UnfinishedPart, Unreadable } from "../../Cli/Host.js"
import { placeOf } from "../../Cli/run/bucketUrl.js"
import { UsageError } from "../../Cli/UsageError.js"
import { Disk } from "../../DownloadError.js"
import * as S3Store from "../../Store/S3.js"
import { Store } from "../../Store.js"
import { toHttpClient } from "../../Transport/toHttpClient.js"
import { Transport } from "../../Transport.js"
import { transport } from "./network.js"

type Network = Pick<NetworkOptions, "proxy" | "noProxy">

/** Of the options for the network, only those for proxies hold: the others are about the servers of the files. */
export const layer = (url: string, network: Network): Layer.Layer<Store, UsageError> =>
  Layer.scoped(
    Store,
    Effect.gen(function* () {
      const { client, options } = yield* accessTo(url, network)
      return yield* S3Store.make(options).pipe(
        Effect.provideService(HttpClient.HttpClient, client),
        Effect.mapError((error) => usageError(url, error))
      )
    })
  )

/** What unfinished transfers have left below a place, as the unfinished parts of a directory. */
export const leftovers = (url: string): Stream.Stream<UnfinishedPart | Unreadable> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const { client, options } = yield* accessTo(url, {})
      const run = <A>(effect: Effect.Effect<A, S3Store.InvalidS3Options | Disk, HttpClient.HttpClient>) =>
        Effect.provideService(effect, HttpClient.HttpClient, client)
      const found = yield* run(S3Store.leftovers(options))
      const nowMillis = yield* Clock.currentTimeMillis
      // One call removes all.
      const removed = yield* Effect.cached(run(S3Store.removeLeftovers(options, { olderThan: unknownWithin })))
      return Stream.map(
        Stream.fromIterable(found),
        ({ destination, id, modifiedMillis, sizeBytes }): UnfinishedPart | Unreadable => ({
          _tag: "UnfinishedPart",
          path: `${url}/.halyard/blocks/${id}`,
          destination: destination === undefined ? undefined : `${url}/${destination}`,
          sizeBytes,
          modifiedMillis,
          use: nowMillis - modifiedMillis < Duration.toMillis(unknownWithin) ? "unknown" : "none",
          process: undefined,
          remove: Effect.mapBoth(removed, {
            onFailure: (error) => toDisk(url, error),
            onSuccess: (ids) => ids.includes(id)
          })
        })
      )
    }).pipe(
      Effect.catchAll((error) =>
        Effect.succeed(Stream.succeed<UnfinishedPart | Unreadable>({ _tag: "Unreadable", error: toDisk(url, error) }))
      )
    )
  )

/** A process of another machine may still use what was written to within this time. */
const unknownWithin = Duration.hours(1)

const accessTo = Effect.fnUntraced(function* (url: string, { noProxy, proxy }: Network) {
  const account = yield* Effect.mapError(S3Store.environment, () => noAccount(url))
  const connections = yield* Layer.build((yield* transport({ proxy, noProxy }))())
  return {
    options: { ...account, ...placeOf(url) },
    client: toHttpClient(Context.get(connections, Transport))
  }
})

const usageError = (url: string, { option, problem }: S3Store.InvalidS3Options): UsageError =>
  new UsageError({ message: `${namesOf(option)?.join(" or ") ?? url}: ${problem}` })

const toDisk = (url: string, error: Disk | S3Store.InvalidS3Options | UsageError): Disk =>
  error._tag === "Disk"
    ? error
    : new Disk({
        path: url,
        reason: "other",
        detail: error._tag === "UsageError" ? error.message : usageError(url, error).message
      })

const noAccount = (url: string): UsageError => {
  const missing = required.filter((name) => (process.env[name] ?? "") === "")
  const [are, them] = missing.length === 1 ? ["is", "it"] : ["are", "them"]
  return new UsageError({
    message: `${url} needs an account: ${missing.join(" and ")} ${are} not set; set ${them} in the environment (profiles in ~/.aws are not read)`
  })
}

const required = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]

/** The variables that may have given an option. */
const namesOf = (option: S3Store.InvalidS3Options["option"]): ReadonlyArray<string> | undefined => {
  const given = variables[option]?.filter((name) => (process.env[name] ?? "") !== "")
  return option === "credentials" ? given : given?.slice(0, 1)
}

const variables: { readonly [option in S3Store.InvalidS3Options["option"]]?: ReadonlyArray<string> } = {
  credentials: ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"],
  region: ["AWS_REGION", "AWS_DEFAULT_REGION"],
  endpoint: ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
}
