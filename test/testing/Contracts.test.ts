import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { CookieJar, Cookies, Journal, MemoryStore, OriginGovernor, Progress, Store, Transport } from "halyard"
import { Contracts } from "halyard/testing"

/** The cases of the contract that fail for a store in memory, if its parts are changed by this. Runs all cases, or one. */
const broken = (
  change: (part: Store.Part, open: Effect.Effect<unknown, unknown>) => Store.Part,
  only?: string,
  countsNoParts = false
) =>
  Effect.gen(function* () {
    const probe = Effect.gen(function* () {
      const context = yield* Layer.build(Layer.fresh(MemoryStore.layer))
      const { files, parts } = yield* Effect.provide(MemoryStore.MemoryFiles, context)
      const base = yield* Effect.provide(Store.Store, context)
      const store: typeof Store.Store.Service = {
        prepare: base.prepare,
        stat: base.stat,
        read: base.read,
        open: (destination, options) =>
          Effect.map(base.open(destination, options), ({ part, record }) => ({
            part: change(
              part,
              Effect.suspend(() => base.open(destination, { resume: undefined }))
            ),
            record
          }))
      }
      const destination = "/d/a"
      return {
        layer: Layer.succeed(Store.Store, store),
        destination,
        read: Effect.map(files, (all) => {
          const found = all.get(destination)
          return found === undefined ? undefined : new TextDecoder().decode(found)
        }),
        parts: countsNoParts ? Effect.succeed(0) : parts,
        keeps: !countsNoParts
      }
    })
    const titles: Array<string> = []
    for (const { check, title } of Contracts.store(probe)) {
      if ((only ?? title) === title && Exit.isFailure(yield* Effect.exit(check))) {
        titles.push(title)
      }
    }
    return titles
  })

describe("Contracts.store", () => {
  it.effect("passes for a store in memory", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* broken((part) => part), [])
    })
  )

  it.effect("finds a probe that counts no parts, because it would see none that a store leaves", () =>
    Effect.gen(function* () {
      const title = "discards a part that was not published, on success"
      assert.deepStrictEqual(yield* broken((part) => part, title, true), [title])
    })
  )

  it.effect("finds a store that leaks when a part is kept", () =>
    Effect.gen(function* () {
      const titles = yield* broken((part, open) => ({
        ...part,
        // Opens a new part and never discards it.
        close: (end) => Effect.zipRight(part.close(end), end === "keep" ? Effect.ignore(open) : Effect.void)
      }))
      assert.includeMembers(titles, ["opens a kept part with the record of its last checkpoint"])
    })
  )

  for (const [bug, change, expected] of [
    [
      "writes at the end instead of the position",
      (part: Store.Part): Store.Part => {
        let endBytes = 0
        return {
          ...part,
          write: (chunk) => {
            endBytes += chunk.length
            return part.write(chunk, endBytes - chunk.length)
          }
        }
      },
      "writes at any position, with several calls at a time"
    ],
    [
      "fills the chunk that it reads into",
      (part: Store.Part): Store.Part => ({
        ...part,
        read: (chunk, positionBytes) => Effect.as(part.read(chunk, positionBytes), chunk.length)
      }),
      "reads what was written, while other calls write"
    ],
    [
      "writes a chunk when it is published",
      (part: Store.Part): Store.Part => {
        const later: Array<Effect.Effect<void, unknown>> = []
        return {
          ...part,
          write: (chunk, positionBytes) => {
            later.push(Effect.orDie(Effect.suspend(() => part.write(chunk, positionBytes))))
            return Exit.void
          },
          publish: (options) =>
            Effect.zipRight(
              Effect.orDie(Effect.all(later)),
              Effect.suspend(() => part.publish(options))
            )
        }
      },
      "keeps a chunk's bytes when its memory is used again"
    ],
    [
      "makes no checkpoint",
      (part: Store.Part): Store.Part => ({ ...part, checkpoint: () => Exit.void }),
      "opens a kept part with the record of its last checkpoint"
    ],
    [
      "keeps a part that was discarded",
      (part: Store.Part): Store.Part => ({ ...part, close: () => part.close("keep") }),
      "does not find a part under another key or destination, or after it was discarded"
    ],
    [
      "replaces in every mode",
      (part: Store.Part): Store.Part => ({
        ...part,
        publish: (options) => part.publish({ ...options, onExists: "overwrite" })
      }),
      "replaces with overwrite, keeps with skip, and refuses with fail"
    ],
    [
      "does not discard",
      (part: Store.Part): Store.Part => ({ ...part, close: () => Exit.void }),
      "discards twice, and keeps a published file"
    ]
  ] as const) {
    it.effect(`finds a store that ${bug}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* broken(change, expected), [expected])
      })
    )
  }
})

describe("Contracts.transport", () => {
  it.live("says in words that a transport calls before send has returned", () =>
    Effect.gen(function* () {
      const transport: typeof Transport.Transport.Service = {
        send: (_, receiver) =>
          Effect.sync(() => {
            receiver.onHead({ status: 302, headers: { location: "/hello" } })
            receiver.onEnd(Exit.void)
            return { connection: undefined, resume: () => {}, close: Effect.void }
          })
      }
      const cases = Contracts.transport(
        Effect.succeed({
          layer: Layer.succeed(Transport.Transport, transport),
          baseUrl: "http://origin.test",
          closedUrl: "http://origin.test/closed",
          busy: Effect.succeed(0)
        })
      )
      const redirect = cases.find(({ title }) => title === "delivers every status, and follows no redirect")
      const exit = yield* Effect.exit(redirect?.check ?? Effect.void)
      assert.include(
        Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "",
        "and got onHead before send has returned, onEnd before send has returned"
      )
    })
  )
})

describe("Contracts.originGovernor", () => {
  type Governor = typeof OriginGovernor.OriginGovernor.Service

  const brokenCases = (change: (base: Governor) => Partial<Governor>) =>
    Effect.map(
      Effect.forEach(
        Contracts.originGovernor((limits) =>
          Effect.map(OriginGovernor.make(limits), (base) => ({ ...base, ...change(base) }))
        ),
        ({ check }) => Effect.exit(check)
      ),
      (exits) => exits.flatMap((exit) => (Exit.isFailure(exit) ? [Cause.pretty(exit.cause).split("\n")[0]] : []))
    )

  for (const [what, change, told] of [
    [
      "cannot be interrupted while it waits",
      (base) => ({
        acquire: (origin, options) =>
          Effect.flatMap(
            Effect.forkDaemon(Effect.uninterruptible(Effect.suspend(() => base.acquire(origin, options)))),
            Fiber.join
          )
      }),
      "an interrupted wait to end"
    ],
    [
      "does not release a permit",
      (base) => ({
        acquire: (origin, options) =>
          Effect.map(base.acquire(origin, options), (permit) => ({ ...permit, release: () => {} }))
      }),
      "after another permit was released"
    ],
    [
      "ignores a pause",
      (base) => ({ report: (origin, report) => base.report(origin, { ...report, pauseMillis: 0 }) }),
      "pause"
    ],
    [
      "never asks for an idle permit",
      (base) => ({ tryAcquireIdle: (origin, _, options) => base.tryAcquireIdle(origin, () => {}, options) }),
      "`onWanted`"
    ],
    [
      "counts no `concurrencyLimit`",
      (base) => ({ acquire: (origin) => base.acquire(origin) }),
      "`used` to be 1 while one permit is held"
    ],
    ["rests for ever", () => ({ restMillis: () => Number.NaN }), "a finite number of milliseconds"]
  ] satisfies ReadonlyArray<readonly [string, (base: Governor) => Partial<Governor>, string]>) {
    it.effect(`says in words that a governor ${what}`, () =>
      Effect.gen(function* () {
        const messages = yield* brokenCases(change)
        assert.include(messages.join("\n"), told)
      })
    )
  }
})

describe("Contracts.journal and Contracts.progress", () => {
  /** The first line of what each failed case says. */
  const messages = (cases: ReadonlyArray<Contracts.Case>) =>
    Effect.map(
      Effect.forEach(cases, ({ check }) => Effect.exit(check)),
      (exits) => exits.flatMap((exit) => (Exit.isFailure(exit) ? [Cause.pretty(exit.cause).split("\n")[0]] : []))
    )

  it.effect("say in words that a journal keeps the first entry", () =>
    Effect.gen(function* () {
      const entries = new Map<string, Journal.Entry>()
      const layer = Layer.succeed(Journal.Journal, {
        record: (entry) =>
          Effect.sync(() => {
            entries.set(entry.destination, entries.get(entry.destination) ?? entry)
          }),
        last: (destination) => Effect.sync(() => entries.get(destination))
      })
      const [first] = yield* messages(Contracts.journal(Effect.succeed(layer), { outlivesTheLayer: false }))
      assert.match(first ?? "", /expected last\("a"\) to give .*"Saved".*, and got .*"Failed"/)
    })
  )

  it.live("say in words that a listener dies of an event", () =>
    Effect.gen(function* () {
      const listener = Progress.layer((event) => (event._tag === "Retrying" ? Effect.die("a bug") : Effect.void))
      const [first] = yield* messages(Contracts.progress(listener))
      assert.include(first, "expected the effect of the event Retrying to succeed, and got Error: a bug")
    })
  )
})

describe("Contracts.cookies", () => {
  const parsed = (url: string) => new URL(url)

  /** The titles of the cases that fail for a jar that is changed by this. */
  const failing = (change: (jar: typeof Cookies.Cookies.Service) => typeof Cookies.Cookies.Service) =>
    Effect.map(
      Effect.forEach(
        Contracts.cookies(
          Layer.map(CookieJar.layer, (context) =>
            Context.make(Cookies.Cookies, change(Context.get(context, Cookies.Cookies)))
          )
        ),
        ({ check, title }) => Effect.map(Effect.exit(check), (exit) => (Exit.isFailure(exit) ? [title] : []))
      ),
      (titles) => titles.flat()
    )

  it.live("passes for a jar", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* failing((jar) => jar), [])
    })
  )

  for (const [bug, change, expected] of [
    [
      "sends every cookie over http, too",
      ({ header, receive }) => ({ header: (url) => header(url.replace(/^http:/, "https:")), receive }),
      "sets and sends a cookie with Secure over https only"
    ],
    [
      "takes each cookie for the whole host",
      ({ header, receive }) => ({
        header: (url) => header(url),
        receive: (url, texts) => receive(parsed(url).origin, texts)
      }),
      "sends a cookie to its path and the paths below it"
    ],
    [
      "throws if there is no URL",
      ({ header, receive }) => ({ header: (url) => header(parsed(url).href), receive }),
      "answers for a URL of every form"
    ],
    [
      "takes the first cookie of a response only",
      ({ header, receive }) => ({ header, receive: (url, [first = ""]) => receive(url, [first]) }),
      "takes the other cookies of a response with texts that are no cookies"
    ],
    [
      "keeps the cookies of each port apart",
      ({ header, receive }) => ({
        header: (url) => (url.includes(":8080") ? undefined : header(url)),
        receive
      }),
      "sends a cookie to the host that set it, on every port, and to no other host"
    ],
    [
      "forgets no cookie",
      ({ header, receive }) => ({
        header,
        receive: (url, texts) =>
          receive(
            url,
            texts.map((text) => text.replace(/; (?:Max-Age=0|Expires=.*1970.*)$/, ""))
          )
      }),
      "removes a cookie that a response lets expire, and keeps one that expires later"
    ]
  ] satisfies ReadonlyArray<
    readonly [string, (jar: typeof Cookies.Cookies.Service) => typeof Cookies.Cookies.Service, string]
  >) {
    it.live(`finds a jar that ${bug}`, () =>
      Effect.gen(function* () {
        assert.include(yield* failing(change), expected)
      })
    )
  }
})
