/**
 * What host programs do around their `HttpClient`, and servers that note the headers of requests.
 */
import type { IncomingHttpHeaders, RequestListener } from "node:http"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { http } from "../servers/loopback.js"

export const token = "s3cr3tToken"

export const withToken = HttpClient.mapRequest(HttpClientRequest.bearerToken(token))

/** What host programs do around their clients. */
export const around: Readonly<Record<string, (client: HttpClient.HttpClient) => HttpClient.HttpClient>> = {
  nothing: withToken,
  "a token before all": (client) => client.pipe(HttpClient.mapRequestInput(HttpClientRequest.bearerToken(token))),
  "redirects that it follows": (client) => client.pipe(withToken, HttpClient.followRedirects(5)),
  "redirects that it follows, and then a token": (client) => client.pipe(HttpClient.followRedirects(5), withToken),
  "errors for statuses, and retries": (client) =>
    client.pipe(
      withToken,
      HttpClient.filterStatusOk,
      HttpClient.retryTransient({ times: 1, schedule: Schedule.recurs(1) })
    ),
  "redirects and no tracing": (client) =>
    client.pipe(
      withToken,
      HttpClient.followRedirects(5),
      HttpClient.withTracerDisabledWhen(() => true)
    ),
  "tracing that it insists on": (client) =>
    client.pipe(
      withToken,
      HttpClient.withTracerDisabledWhen(() => false),
      HttpClient.followRedirects(5)
    )
}

export interface Seen {
  readonly url: string
  readonly seen: Array<IncomingHttpHeaders>
}

/** A server that notes the headers of each request. `answer` is given its URL. */
export const origin = (answer: (url: string) => RequestListener) =>
  Effect.gen(function* () {
    const seen: Array<IncomingHttpHeaders> = []
    const { url }: { readonly url: string } = yield* http((request, response) => {
      seen.push(request.headers)
      answer(url)(request, response)
    })
    return { url, seen } satisfies Seen
  })
