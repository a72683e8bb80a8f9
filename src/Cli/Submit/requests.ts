/**
 * The requests of a batch, from the arguments and lists that `get` reads.
 */
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import { displayUrl } from "../../internal/text/displayUrl.js"
import * as Printable from "../../internal/text/printable.js"
import { StatusLine } from "../../StatusLine.js"
import * as Checksums from "../Get/input/formats/checksums.js"
import * as Urls from "../Get/input/urls.js"
import * as Items from "../Get/items.js"
import { checkOptions, namingOf } from "../Get/optionRules.js"
import type { Options } from "../Get/options.js"
import { Destinations } from "../Get/output/destinations.js"
import * as Credentials from "../Get/request/credentials.js"
import * as Headers from "../Get/request/headers.js"
import * as OriginSecrets from "../Get/request/originSecrets.js"
import { requestOf } from "../Get/request.js"
import * as BucketUrl from "../run/bucketUrl.js"

/**
 * Opens the lists. `isTar`: destinations are names inside of a tar, and not paths. `directory` is the whole path, or the URL of a place in
 * an object storage. `refused` is the number of items so far for which there is no request.
 */
export const open = Effect.fnUntraced(function* (
  urls: ReadonlyArray<string>,
  options: Options,
  { isTar }: { readonly isTar: boolean }
) {
  const path = yield* Path.Path
  const { line } = yield* StatusLine
  const given = yield* Urls.open(urls, options)
  yield* checkOptions(options, undefined)
  const naming = yield* namingOf(options)
  const withNetrc = Credentials.withNetrc(yield* Credentials.netrcOf(options))
  const secrets = yield* OriginSecrets.read(options)
  const checksums = yield* Checksums.read(options.sums, options.baseUrl, (text) =>
    text === undefined ? undefined : line(text)
  )
  const { entries, originHeaders } = yield* Urls.withHeaders(given, urls, secrets)
  const { referer } = options
  const headersOf = Headers.withDefaults(referer === undefined ? {} : { referer })
  // The runners may have other working directories. Names follow from the list alone, so that a second submission is the same batch.
  const directory = BucketUrl.isIn(options.directory) ? options.directory : path.resolve(options.directory)
  const destinations = new Destinations(path, directory, {
    saved: undefined,
    allowOutside: options.allowOutside,
    naming,
    isNamedByServer: false,
    onRenamed: () => {}
  })
  let refused = 0
  const ready = Items.prepare(entries, {
    prepareDirectory: () => Effect.void,
    digestOf: (item) => {
      const own = item.fields.checksum
      return own !== undefined || checksums === undefined ? Either.right(own) : checksums.of(item)
    },
    destinationOf: (item, index) =>
      Either.map(destinations.of(item, index), (destination) =>
        isTar ? { ...destination, path: path.relative(directory, destination.path) } : destination
      ),
    headersFor: (url) => withNetrc(url, headersOf(originHeaders?.for(url))),
    before: 0,
    onReady: () => {},
    onRefused: (_, { place, problem, url }) => {
      refused++
      if (refused <= shownAtMost) {
        const where = place === undefined ? displayUrl(url) : `${Printable.line(place.list)}, line ${place.line}`
        line(`${where}: ${problem}`)
      }
    }
  })
  return {
    directory,
    requests: Stream.map(
      ready,
      requestOf({ options, deadline: options.maxTime, body: undefined, mayResume: !options.noResume })
    ),
    refused: () => refused,
    notices: () => [originHeaders?.notice(), checksums?.notice()].flatMap((notice) => notice ?? [])
  }
})

const shownAtMost = 20
