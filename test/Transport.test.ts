import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { Connection, Truncated } from "../src/DownloadError.js"
import * as Transport from "../src/Transport.js"

const request = { url: "http://origin.test/", headers: {} }
const text = (bytes: string) => new TextEncoder().encode(bytes)

type Open = Parameters<typeof Transport.make>[0]["open"]

const ok =
  (body: Stream.Stream<Uint8Array, Transport.TransportError>): Open =>
  () =>
    Effect.succeed({ status: 200, headers: {}, body })

/** Sends a request with a receiver that never pauses, and notes the calls. The exchange is closed with the scope. */
const sent = (open: Open) =>
  Effect.gen(function* () {
    const calls: Array<string> = []
    const ended = yield* Deferred.make<Exit.Exit<void, Transport.TransportError>>()
    const exchange = yield* Effect.acquireRelease(
      Transport.make({ open }).send(request, {
        onInformational: () => calls.push("informational"),
        onHeld: (isHeld) => calls.push(`held ${isHeld}`),
        onHead: ({ status }) => calls.push(`${status}`) > 0,
        onChunk: (chunk) => calls.push(new TextDecoder().decode(chunk)) > 0,
        onEnd: (exit) => Deferred.unsafeDone(ended, Effect.succeed(exit))
      }),
      ({ close }) => close
    )
    return { calls, exchange, end: Deferred.await(ended) }
  })

const failing =
  (error: Transport.TransportError): Open =>
  () =>
    error
const refused = new Connection({ url: request.url, reason: "refused", receivedBytes: 0, detail: "" })
const truncated = new Truncated({ url: request.url, expectedBytes: 5, receivedBytes: 3 })

describe("a transport that is made of a function", () => {
  it.scoped("delivers the head, the chunks and the end", () =>
    Effect.gen(function* () {
      const { calls, end } = yield* sent(ok(Stream.make(text("a"), text("b")).pipe(Stream.rechunk(2))))
      assert.isTrue(Exit.isSuccess(yield* end))
      assert.deepStrictEqual(calls, ["200", "a", "b"])
    })
  )

  it.scoped("delivers informational responses and waits for a descriptor", () =>
    Effect.gen(function* () {
      const { calls, end } = yield* sent((_, events) =>
        Effect.sync(() => {
          events.onHeld(true)
          events.onHeld(false)
          events.onInformational()
          return { status: 200, headers: {}, body: Stream.empty }
        })
      )
      yield* end
      assert.deepStrictEqual(calls, ["held true", "held false", "informational", "200"])
    })
  )

  it.scoped("delivers a failure before and after the head", () =>
    Effect.gen(function* () {
      const before = yield* sent(failing(refused))
      assert.deepStrictEqual(yield* before.end, Exit.fail(refused))
      const after = yield* sent(ok(Stream.concat(Stream.make(text("abc")), Stream.fail(truncated))))
      assert.deepStrictEqual(yield* after.end, Exit.fail(truncated))
      assert.deepStrictEqual(after.calls, ["200", "abc"])
    })
  )

  for (const [what, open] of [
    ["of the function", () => Effect.die("a bug")],
    [
      "that the function throws",
      () => {
        throw "a bug"
      }
    ],
    ["of the stream", ok(Stream.die("a bug"))],
    [
      "of a finalizer",
      () =>
        Effect.as(
          Effect.addFinalizer(() => Effect.die("a bug")),
          { status: 200, headers: {}, body: Stream.empty }
        )
    ]
  ] as ReadonlyArray<readonly [string, Open]>) {
    it.scoped(`delivers a defect ${what}`, () =>
      Effect.gen(function* () {
        const exit = yield* Effect.flatMap(sent(open), ({ end }) => end)
        assert.deepStrictEqual(
          Exit.isFailure(exit) ? Cause.dieOption(exit.cause) : Option.none(),
          Option.some<unknown>("a bug")
        )
      })
    )
  }

  it.scoped("closes the scope of the function before the end", () =>
    Effect.gen(function* () {
      let isClosed = false
      const { end } = yield* sent(() =>
        Effect.as(
          Effect.addFinalizer(() =>
            Effect.sync(() => {
              isClosed = true
            })
          ),
          { status: 200, headers: {}, body: Stream.empty }
        )
      )
      yield* end
      assert.isTrue(isClosed)
    })
  )

  it.scoped("waits in close until the scope of the function is closed, and makes no call then", () =>
    Effect.gen(function* () {
      const open: Open = () =>
        Effect.as(
          Effect.addFinalizer(() => Effect.sleep("1 second")),
          {
            status: 200,
            headers: {},
            body: Stream.repeatEffect(Effect.as(Effect.sleep("1 second"), text("a")))
          }
        )
      const { calls, exchange } = yield* sent(open)
      yield* TestClock.adjust("2500 millis")
      const closing = yield* Effect.fork(exchange.close)
      yield* TestClock.adjust("999 millis")
      assert.isTrue(Option.isNone(yield* Fiber.poll(closing)))
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(closing)
      yield* exchange.close
      assert.deepStrictEqual(calls, ["200", "a", "a"])
    })
  )

  it.scoped("runs the function with the FiberRefs and the span of the caller", () =>
    Effect.gen(function* () {
      const ref = yield* FiberRef.make("default")
      const seen: Array<string> = []
      const open: Open = () =>
        Effect.gen(function* () {
          seen.push(yield* FiberRef.get(ref))
          seen.push((yield* Effect.orDie(Effect.currentSpan)).name)
          return { status: 200, headers: {}, body: Stream.empty }
        })
      const { end } = yield* sent(open).pipe(Effect.locally(ref, "caller"), Effect.withSpan("download"))
      yield* end
      assert.deepStrictEqual(seen, ["caller", "download"])
    })
  )
})

describe("a response with a stream", () => {
  const open = (made: Open) =>
    Effect.provideService(Transport.open(request), Transport.Transport, Transport.make({ open: made }))

  it.scoped("has the status, the headers and the body, whose chunks stay unchanged", () =>
    Effect.gen(function* () {
      // The memory of each chunk is used again for the next one, as a transport may do.
      const memory = text("a")
      const bytes = Stream.map(Stream.make("a", "b", "c").pipe(Stream.rechunk(1)), (letter) => {
        memory.set(text(letter))
        return memory
      })
      const { body, headers, status } = yield* open(() =>
        Effect.succeed({ status: 206, headers: { etag: "x" }, body: bytes })
      )
      assert.deepStrictEqual([status, headers["etag"]], [206, "x"])
      const chunks = Array.from(yield* Stream.runCollect(body))
      assert.deepStrictEqual(chunks.map((chunk) => new TextDecoder().decode(chunk)).join(""), "abc")
    })
  )

  it.scoped("fails as the transport does, before and after the head", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(open(failing(refused))), refused)
      const { body } = yield* open(ok(Stream.fail(truncated)))
      assert.strictEqual(yield* Effect.flip(Stream.runDrain(body)), truncated)
    })
  )

  it.effect("closes the exchange with its scope, and if its caller is interrupted", () =>
    Effect.gen(function* () {
      let count = 0
      const counted: Open = () =>
        Effect.zipRight(
          Effect.acquireRelease(
            Effect.sync(() => count++),
            () => Effect.sync(() => count--)
          ),
          Effect.never
        )
      const waiting = yield* Effect.fork(Effect.scoped(open(counted)))
      yield* TestClock.adjust(0)
      assert.strictEqual(count, 1)
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(count, 0)
    })
  )
})
