/**
 * What networks do with connections, row by row.
 */
import { createServer as createTlsServer } from "node:https"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import { isPublic, layer as nodeTransport } from "../../src/Node/Transport.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { autoAdvance, layer, Origin, World } from "../../src/testing.js"
import { blackHole, http, raw, resolving } from "../support/servers/loopback.js"
import { until } from "../support/transport/exchange.js"

const body = "0123456789"

const request = (url: string, options?: Partial<Parameters<typeof Download.request>[0]>) =>
  Download.request({ url, destination: "file", ...options })

const download = (asked: Download.DownloadRequest) =>
  Effect.flatMap(Downloader.Downloader, (downloader) => downloader.download(asked))

const url = "http://origin.test/file"

const once = { retry: RetryPolicy.none }

describe("connections, on the simulated origin", () => {
  it.effect("bounds the wait for a head, absolutely, although something dribbles", () =>
    Effect.gen(function* () {
      const error = yield* autoAdvance(Effect.flip(download(request(url))))
      assert.deepInclude(error, { _tag: "Timeout", phase: "headers", limitMillis: 300_000, receivedBytes: 0 })
    }).pipe(Effect.provide(layer(() => ({ delay: "301 seconds", body }), once)))
  )

  it.effect("waits longer for a head when informational responses come, and not without end", () =>
    Effect.gen(function* () {
      const saved = yield* autoAdvance(download(request(url)))
      assert.deepInclude(saved, { _tag: "Saved", attempts: 1 })
      const [elapsed, error] = yield* Effect.timed(
        autoAdvance(Effect.flip(download(request("http://origin.test/endless", { destination: "endless" }))))
      )
      assert.deepInclude(error, { _tag: "Timeout", phase: "headers" })
      // 20 responses, 20 s apart, each of which restarts the limit of 30 s.
      assert.isAtMost(Duration.toSeconds(elapsed), 20 * 20 + 30 + 1)
    }).pipe(
      Effect.provide(
        layer(
          (asked) =>
            asked.url === url
              ? Origin.file(asked, body, { informational: { count: 20, every: "29 seconds" } })
              : { informational: { count: 1000, every: "20 seconds" } },
          { ...once, headersTimeout: "30 seconds" }
        )
      )
    )
  )

  it.effect("counts no time for a head while the request waits for a descriptor, and all of it afterwards", () =>
    Effect.gen(function* () {
      const saved = yield* autoAdvance(download(request(url)))
      assert.deepInclude(saved, { _tag: "Saved", attempts: 1 })
      const [elapsed, error] = yield* Effect.timed(
        autoAdvance(Effect.flip(download(request("http://origin.test/slow", { destination: "slow" }))))
      )
      assert.deepInclude(error, { _tag: "Timeout", phase: "headers", limitMillis: 30_000 })
      assert.isAtLeast(Duration.toSeconds(elapsed), 60 + 30)
    }).pipe(
      Effect.provide(
        layer(
          (asked) =>
            asked.url === url
              ? Origin.file(asked, body, { held: "60 seconds", delay: "29 seconds" })
              : { held: "60 seconds", delay: "31 seconds" },
          { ...once, headersTimeout: "30 seconds" }
        )
      )
    )
  )

  it.effect("bounds a body that stalls, by bytes and time, and not one that is slow", () =>
    Effect.gen(function* () {
      const error = yield* autoAdvance(Effect.flip(download(request(url))))
      assert.deepInclude(error, { _tag: "Timeout", phase: "stall", limitMillis: 5000, receivedBytes: 4 })
      const slow = yield* autoAdvance(download(request("http://origin.test/slow")))
      assert.strictEqual(slow._tag, "Saved")
    }).pipe(
      Effect.provide(
        layer(
          (asked) =>
            asked.url === url
              ? Origin.file(asked, body, { breakAt: { bytes: 4, how: "silence" } })
              : Origin.file(asked, body, { chunkBytes: 1, chunkDelay: "2 seconds" }),
          { ...once, stall: { bytes: 2, within: "5 seconds" } }
        )
      )
    )
  )

  it.effect("finds a drizzle out: a byte a second is a stall where more is asked for", () =>
    Effect.gen(function* () {
      const error = yield* autoAdvance(Effect.flip(download(request(url))))
      assert.deepInclude(error, { _tag: "Timeout", phase: "stall" })
    }).pipe(
      Effect.provide(
        layer((asked) => Origin.file(asked, body.repeat(100), { chunkBytes: 1, chunkDelay: "1 second" }), {
          ...once,
          stall: { bytes: 50, within: "10 seconds" }
        })
      )
    )
  )

  it.effect("does not call it a stall that its own byte rate makes a body wait", () =>
    Effect.gen(function* () {
      const saved = yield* autoAdvance(download(request(url)))
      assert.deepInclude(saved, { _tag: "Saved", attempts: 1 })
    }).pipe(
      Effect.provide(
        layer((asked) => Origin.file(asked, body.repeat(10), { chunkBytes: 50 }), {
          ...once,
          bytesPerSecond: 1,
          stall: { bytes: 1, within: "5 seconds" }
        })
      )
    )
  )

  it("uses a monotonic clock for its time limits, because the wall clock may jump", () => {
    const world = new World(1)
    let jumps = 0
    const jumping = {
      ...world.clock,
      unsafeCurrentTimeMillis: () => world.now() + (jumps++ % 2) * 86_400_000,
      currentTimeMillis: Effect.sync(() => world.now() - (jumps++ % 3) * 86_400_000)
    }
    const ending = world.run(
      Effect.all(
        [download(request(url)), Effect.flip(download(request("http://silent.test/", { destination: "b" })))],
        {
          concurrency: 2
        }
      ).pipe(
        Effect.provide(
          layer(
            (asked) =>
              asked.url === url
                ? Origin.file(asked, body, { delay: "20 seconds", chunkBytes: 1, chunkDelay: "20 seconds" })
                : { instead: "silence" },
            { ...once, requestsPerSecond: 1, headersTimeout: "30 seconds" }
          )
        ),
        Effect.withClock(jumping)
      )
    )
    assert.deepNestedInclude(ending, { _tag: "done", "exit.value[0]._tag": "Saved", "exit.value[1].phase": "headers" })
    assert.include([220_000, 221_000], world.now())
  })

  for (const instead of ["refused", "dns", "reset"] as const) {
    it.effect(`tries again where a connection was ${instead}, and ends`, () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* autoAdvance(download(request(url))), { _tag: "Saved", attempts: 3 })
        const error = yield* autoAdvance(Effect.flip(download(request("http://gone.test/", { destination: "gone" }))))
        assert.deepInclude(error, { _tag: "Connection", reason: instead })
        assert.strictEqual((yield* Origin.Origin).open(), 0)
      }).pipe(
        Effect.provide(
          layer((asked) => (asked.url === url && asked.turn === 2 ? Origin.file(asked, body) : { instead }))
        )
      )
    )
  }

  it.effect("tries a connection that was closed while it was idle once more at once", () =>
    Effect.gen(function* () {
      yield* autoAdvance(download(request(url)))
      const [first, second] = (yield* Origin.Origin).requests()
      assert.strictEqual(second?.atMillis, first?.atMillis)
    }).pipe(Effect.provide(layer((asked) => (asked.turn === 0 ? { instead: "reset" } : Origin.file(asked, body)))))
  )

  it.effect("does not try again what no certificate would make better", () =>
    Effect.gen(function* () {
      const error = yield* autoAdvance(Effect.flip(download(request(url))))
      assert.deepInclude(error, { _tag: "Connection", reason: "tls" })
      assert.strictEqual((yield* Origin.Origin).requests().length, 1)
    }).pipe(Effect.provide(layer(() => ({ instead: "tls" }))))
  )
})

describe("connections, on real sockets, by Node/Transport", () => {
  const live = (options?: Parameters<typeof nodeTransport>[0], headersTimeout?: Duration.DurationInput) =>
    Downloader.layerWith({ ...once, headersTimeout }).pipe(
      Layer.provideMerge(Layer.merge(nodeTransport(options), MemoryStore.layer)),
      Layer.fresh
    )

  it.scopedLive("bounds the wait for one that accepts and never answers, or dribbles its head", () =>
    Effect.gen(function* () {
      const silent = yield* raw(["", "stay"])
      const dribbling = yield* http((_, response) => {
        const timer = setInterval(() => response.socket?.write(head.shift() ?? "x"), 50)
        response.on("close", () => clearInterval(timer))
        const head = [..."HTTP/1.1 200 OK\r\nX-Long: "]
      })
      for (const origin of [silent, dribbling]) {
        const error = yield* Effect.flip(download(request(origin.url)))
        assert.deepInclude(error, { _tag: "Timeout", phase: "headers" })
        yield* until(() => origin.sockets() === 0)
        assert.strictEqual(origin.sockets(), 0)
      }
    }).pipe(Effect.provide(live({}, "300 millis")))
  )

  it.live("bounds the wait for a connection", () =>
    Effect.gen(function* () {
      // An address for documentation (RFC 5737): no host answers, or the network reports at once that it is unreachable.
      const error = yield* Effect.flip(download(request("http://192.0.2.1/")))
      assert.include(["Timeout", "Connection"], error._tag)
    }).pipe(Effect.provide(live({ connectTimeout: "100 millis" })))
  )

  it.scopedLive("bounds the time for a connection although the event loop is blocked again and again", () =>
    Effect.gen(function* () {
      // It accepts the connection, and no TLS handshake ever begins.
      const { url } = yield* raw(["", "stay"])
      const lock = new Int32Array(new SharedArrayBuffer(4))
      let blocks = 0
      const block = Effect.sync(() => {
        blocks++
        Atomics.wait(lock, 0, 0, 2200)
      })
      const blocking = yield* Effect.fork(Effect.forever(Effect.zipRight(block, Effect.sleep("20 millis"))))
      const error = yield* Effect.flip(download(request(url.replace("http:", "https:"))))
      yield* Fiber.interrupt(blocking)
      assert.deepInclude(error, { _tag: "Timeout", phase: "connect" })
      assert.isAtMost(blocks, 3)
    }).pipe(Effect.provide(live({ connectTimeout: "1 second" })))
  )

  it.scopedLive("refuses a certificate of an unknown authority", () =>
    Effect.gen(function* () {
      const server = createTlsServer({}, (_, response) => response.end(body))
      const port = yield* Effect.async<number>((resume) => {
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
        })
      })
      const error = yield* Effect.flip(download(request(`https://127.0.0.1:${port}/`)))
      assert.deepInclude(error, { _tag: "Connection", reason: "tls" })
      server.close()
    }).pipe(Effect.provide(live()))
  )

  it.scopedLive("connects to public addresses alone where that is asked for, at each hop", () =>
    Effect.gen(function* () {
      let asked = 0
      const { port, url: at } = yield* http((_, response) => {
        asked++
        response.end(body)
      })
      for (const host of [
        at,
        `http://localhost:${port}`,
        `http://[::1]:${port}`,
        `http://2130706433:${port}`,
        `http://0x7f.1:${port}`
      ]) {
        assert.strictEqual((yield* Effect.flip(download(request(host))))._tag, "AddressRefused", host)
      }
      assert.strictEqual(asked, 0)
    }).pipe(Effect.provide(live({ publicOnly: true })))
  )

  it("knows which addresses are public", () => {
    const refused = [
      ..."0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 192.168.1.1 198.18.0.1 224.0.0.1 255.255.255.255".split(
        " "
      ),
      ..."::1 :: fe80::1 fc00::1 ff02::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 2001:db8::1 2002:7f00:1::".split(
        " "
      )
    ]
    for (const address of refused) {
      assert.isFalse(isPublic(address), address)
    }
    for (const address of ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001::200e"]) {
      assert.isTrue(isPublic(address), address)
    }
  })

  for (const [what, bind] of [
    ["refuses", Effect.void],
    ["does not answer", blackHole]
  ] as const) {
    it.scopedLive.skipIf(process.platform !== "linux")(
      // Only Linux has a second loopback address without being asked for it.
      `reaches a host of which one address ${what} by another (RFC 8305)`,
      () =>
        Effect.gen(function* () {
          const { port } = yield* http((_, response) => response.end(body))
          yield* typeof bind === "function" ? bind("127.0.0.2", port) : bind
          yield* resolving("two.test", ["127.0.0.2", "127.0.0.1"])
          assert.strictEqual((yield* download(request(`http://two.test:${port}/`)))._tag, "Saved")
        }).pipe(Effect.provide(live()))
    )
  }

  it.scopedLive("closes its connections with its layer", () =>
    Effect.gen(function* () {
      const origin = yield* http((_, response) => response.end(body))
      yield* Effect.provide(download(request(origin.url)), live())
      yield* until(() => origin.sockets() === 0)
      assert.strictEqual(origin.sockets(), 0)
    })
  )

  it.scopedLive("gives every socket up when many are interrupted at once", () =>
    Effect.gen(function* () {
      const origin = yield* raw(["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123", "stay"])
      const fiber = yield* Effect.fork(
        Effect.forEach(
          Array.from({ length: 30 }, (_, index) => index),
          (index) => download(request(`${origin.url}/${index}`, { destination: `${index}` })),
          { concurrency: "unbounded" }
        )
      )
      yield* until(() => origin.sockets() === 30)
      yield* Fiber.interrupt(fiber)
      yield* until(() => origin.sockets() === 0)
      assert.strictEqual(origin.sockets(), 0)
    }).pipe(Effect.provide(live()))
  )
})
