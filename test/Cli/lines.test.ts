import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Lines from "../../src/Cli/Get/lines.js"

const encoder = new TextEncoder()

const inPieces = (bytes: Uint8Array, pieceBytes: number): Stream.Stream<Uint8Array> =>
  Stream.fromIterable(
    Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, index) =>
      bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes)
    )
  )

const linesOf = (text: string, pieceBytes: number) =>
  Effect.map(Stream.runCollect(Lines.fromBytes(inPieces(encoder.encode(text), pieceBytes))), Chunk.toReadonlyArray)

describe("a list of halyard get", () => {
  it.effect("has the same lines for any chunks of the bytes", () =>
    Effect.gen(function* () {
      const text = "\ufeffhttp://a.test/ä\r\n\r\n# a comment\n  http://b.test/日本 \n\n#\n\n\t\nhttp://c.test/🎏"
      for (const pieceBytes of [1, 2, 3, 5, 7, 1000]) {
        assert.deepStrictEqual(
          yield* linesOf(text, pieceBytes),
          ["http://a.test/ä", "http://b.test/日本", "http://c.test/🎏"],
          `${pieceBytes}`
        )
      }
    })
  )

  it.effect("has no comments, but a # inside a URL", () =>
    Effect.gen(function* () {
      const text = "# one\n  \t#two\nhttp://a.test/c # three\nhttp://a.test/d\t#four # five\r\nhttp://a.test/e#f\n#"
      assert.deepStrictEqual(yield* linesOf(text, 1000), ["http://a.test/c", "http://a.test/d", "http://a.test/e#f"])
    })
  )

  it.effect("has at most 32 lines in a chunk, and none for an empty text", () =>
    Effect.gen(function* () {
      const lines = Array.from({ length: 10_000 }, (_, index) => `http://a.test/${index}`)
      const chunks = yield* Lines.fromBytes(inPieces(encoder.encode(`${lines.join("\n")}\n`), 65_536)).pipe(
        Stream.chunks,
        Stream.runCollect
      )
      assert.isAtMost(Math.max(...Chunk.toReadonlyArray(chunks).map(Chunk.size)), 32)
      assert.deepStrictEqual(Chunk.toReadonlyArray(Chunk.flatten(chunks)), lines)
      assert.deepStrictEqual(yield* linesOf("", 10), [])
    })
  )

  it.effect("has no unfinished line if the bytes fail", () =>
    Effect.gen(function* () {
      const broken = Stream.concat(inPieces(encoder.encode("http://a.test/1\nhttp://a.te"), 100), Stream.fail("broken"))
      const seen: Array<Lines.Line> = []
      const error = yield* Lines.fromBytes(broken).pipe(
        Stream.runForEach((line) => Effect.sync(() => seen.push(line))),
        Effect.flip
      )
      assert.deepStrictEqual([seen, error], [["http://a.test/1"], "broken"])
    })
  )
})
