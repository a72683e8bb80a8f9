/**
 * The options of `get` that belong to the process in which transfers run: a runner, or each process of `submit --local`.
 */

import { integer, withDefault } from "../commandLine/Option.js"
import { options as get } from "../Get/options.js"

export const output = { noState: get.noState, noMtime: get.noMtime, durability: get.durability }

export const concurrency = withDefault(
  integer("-c, --concurrency N", "Transfers of one shard at a time (default 8)", 1, 10_000),
  8
)

export const network = {
  concurrency,
  perOrigin: get.perOrigin,
  segments: get.segments,
  userAgent: get.userAgent,
  limitRate: get.limitRate,
  limitRatePerOrigin: get.limitRatePerOrigin,
  rate: get.rate,
  ratePerOrigin: get.ratePerOrigin,
  proxy: get.proxy,
  noProxy: get.noProxy,
  cacert: get.cacert,
  insecure: get.insecure,
  ipv4: get.ipv4,
  ipv6: get.ipv6,
  localInterface: get.localInterface,
  resolve: get.resolve,
  connectTimeout: get.connectTimeout,
  headersTimeout: get.headersTimeout,
  speedLimit: get.speedLimit,
  speedTime: get.speedTime,
  pipeline: get.pipeline,
  publicOnly: get.publicOnly
}

export const behaviour = { retries: get.retries, retryAnyMethod: get.retryAnyMethod, strict: get.strict }

export const all = { ...output, ...network, ...behaviour }
