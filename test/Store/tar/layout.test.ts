import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Download from "../../../src/Download.js"
import type * as TarStore from "../../../src/Store/Tar.js"
import { header } from "../../../src/Store/tar/header.js"
import { entriesOf, samplesOf, unpackedByTar } from "../../support/storage/tarFiles.js"
import { inRun, memory, modifiedMillis, save, type Tar } from "../../support/storage/tarStore.js"

/** Writes a tar, and returns its bytes. */
const tarOf = <E>(body: (tar: Tar) => Effect.Effect<unknown, E>, options?: Partial<TarStore.Options>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { file, store } = yield* memory
      yield* inRun(store, { destination: "out/a.tar", ...options }, (tar) => Effect.zipRight(body(tar), tar.finish))
      return yield* file("out/a.tar")
    })
  )

const tarOfFiles = (files: Readonly<Record<string, string>>) =>
  tarOf(({ store }) => Effect.forEach(Object.entries(files), ([path, text]) => save(store, path, text)))

const samples = (tar: Uint8Array) =>
  Effect.map(
    Effect.promise(() => entriesOf(tar)),
    samplesOf
  )

const saved = new Download.Saved({
  request: Download.request({ url: "https://user:pass@files.example/a?token=s3cret", destination: "a.jpg" }),
  destination: "a.jpg",
  bytes: 3,
  verified: "length",
  attempts: 1,
  url: "https://cdn.example/b?signature=s3cret",
  status: 200,
  mediaType: "image/jpeg",
  etag: '"1"',
  lastModified: "Thu, 01 Jan 2026 00:00:00 GMT",
  digest: `sha256:${"0".repeat(64)}`
})

describe("the layout of a tar", () => {
  it.effect("is samples with their metadata, for tar -t, tar -x and WebDataset", () =>
    Effect.gen(function* () {
      const tar = yield* tarOfFiles({ "b/first.jpg": "1", second: "", "third.tar.gz": "3".repeat(512) })
      const { files, lines } = unpackedByTar(tar)
      assert.deepStrictEqual(
        lines.map((line) => line.replace(/ +/g, " ")),
        [
          "-rw-r--r-- 0/0 1 2023-11-14 22:13 b/first.jpg",
          "-rw-r--r-- 0/0 49 2023-11-14 22:13 b/first.json",
          "-rw-r--r-- 0/0 0 2023-11-14 22:13 second.bin",
          "-rw-r--r-- 0/0 43 2023-11-14 22:13 second.json",
          "-rw-r--r-- 0/0 512 2023-11-14 22:13 third.tar.gz",
          "-rw-r--r-- 0/0 50 2023-11-14 22:13 third.json"
        ]
      )
      assert.strictEqual(files.get("third.tar.gz"), "3".repeat(512))
      assert.deepStrictEqual(yield* samples(tar), [
        { __key__: "b/first", jpg: "1", json: '{"key":"b/first","file":"b/first.jpg","bytes":1}\n' },
        { __key__: "second", bin: "", json: '{"key":"second","file":"second","bytes":0}\n' },
        { __key__: "third", "tar.gz": "3".repeat(512), json: '{"key":"third","file":"third.tar.gz","bytes":512}\n' }
      ])
      assert.isTrue(tar.subarray(-1024).every((byte) => byte === 0))
      assert.strictEqual(tar.length % 512, 0)
    })
  )

  it.effect("has what is known about a file, without secrets", () =>
    Effect.gen(function* () {
      const tar = yield* tarOf(({ store }) => save(store, "a.jpg", "abc", "fail", saved))
      const [sample] = yield* samples(tar)
      assert.deepStrictEqual(JSON.parse(sample?.["json"] ?? ""), {
        key: "a",
        file: "a.jpg",
        bytes: 3,
        url: "https://***@files.example/a?token=…",
        finalUrl: "https://cdn.example/b?signature=…",
        status: 200,
        sha256: "0".repeat(64),
        mediaType: "image/jpeg",
        etag: '"1"',
        lastModified: "Thu, 01 Jan 2026 00:00:00 GMT"
      })
      assert.notInclude(Buffer.from(tar).toString(), "s3cret")
    })
  )

  it.effect("has no metadata if there shall be none", () =>
    Effect.gen(function* () {
      const tar = yield* tarOf(({ store }) => save(store, "a.jpg", "abc"), { metadata: "none" })
      assert.deepStrictEqual(yield* samples(tar), [{ __key__: "a", jpg: "abc" }])
    })
  )

  it.effect("gives each file a key of its own, in which there is no dot", () =>
    Effect.gen(function* () {
      const names = [
        "a.jpg",
        "a.png",
        "a",
        "x.y.jpg",
        "x_y.jpg",
        "v1.2/a.jpg",
        ".env",
        "..jpg",
        "c.json",
        "c.JSON",
        "c.txt"
      ]
      const tar = yield* tarOfFiles(Object.fromEntries(names.map((name) => [name, `content of ${name}`])))
      const found = yield* samples(tar)
      assert.deepStrictEqual(
        found.map((sample) =>
          Object.entries(sample).flatMap(([field, text]) =>
            text.startsWith('{"key"') && field === "json" ? [] : [text]
          )
        ),
        [
          ["a", "content of a.jpg"],
          ["a-2", "content of a.png"],
          ["a-3", "content of a"],
          ["x_y", "content of x.y.jpg"],
          ["x_y-2", "content of x_y.jpg"],
          ["v1.2/a", "content of v1.2/a.jpg"],
          ["env", "content of .env"],
          ["_", "content of ..jpg"],
          ["c", "content of c.json", '{"key":"c","file":"c.json","bytes":17}\n'],
          ["c-2", "content of c.JSON", '{"key":"c-2","file":"c.JSON","bytes":17}\n'],
          ["c-3", "content of c.txt"]
        ]
      )
      assert.strictEqual(unpackedByTar(tar).files.size, 2 * names.length)
    })
  )

  it.effect("is in a directory that readers do not leave out", () =>
    Effect.gen(function* () {
      const tar = yield* tarOfFiles({ "__MACOSX__/a.jpg": "1", "__a__.jpg": "2", "b/__c__/a.jpg": "3" })
      assert.deepStrictEqual(
        (yield* samples(tar)).map(({ jpg }) => jpg),
        ["1", "2", "3"]
      )
    })
  )

  it.effect("has long names, names that are not ASCII, and names from the root", () =>
    Effect.gen(function* () {
      const long = `${"d".repeat(120)}/${"e".repeat(120)}/${"ü".repeat(60)}.jpg`
      const tar = yield* tarOfFiles({ [long]: "1", "ünï/日本語.jpg": "2", "/srv/a.jpg": "3", "./b//c.jpg": "4" })
      const { files } = unpackedByTar(tar)
      for (const [name, text] of [
        [long, "1"],
        ["ünï/日本語.jpg", "2"],
        ["srv/a.jpg", "3"],
        ["b/c.jpg", "4"]
      ] as const) {
        assert.strictEqual(files.get(name), text)
      }
      assert.deepStrictEqual(
        (yield* samples(tar)).map(({ jpg }) => jpg),
        ["1", "2", "3", "4"]
      )
    })
  )

  it.effect("refuses a path that leads out of it, and one without a name", () =>
    tarOf(({ store }) =>
      Effect.gen(function* () {
        for (const path of ["../a.jpg", "b/../../a.jpg", "b\\..\\a.jpg", "", "/", ".", "a\0b"]) {
          const error = yield* Effect.flip(store.open(path, { resume: undefined }))
          assert.strictEqual(error.reason, "other")
          assert.include(error.message, "a tar cannot have a file with this path")
          assert.isUndefined(yield* store.stat(path))
        }
        const part = yield* Effect.map(store.open("a", { resume: undefined }), (opened) => opened.part)
        const error = yield* Effect.flip(part.publish({ onExists: "fail", durability: "full", name: ".." }))
        assert.strictEqual(error.reason, "other")
        yield* part.close("discard")
      })
    )
  )

  it.effect("finds a file under every form of its path", () =>
    tarOf(({ store }) =>
      Effect.gen(function* () {
        yield* save(store, "/srv/a.jpg", "abc")
        for (const path of ["/srv/a.jpg", "srv/a.jpg", "./srv//a.jpg"]) {
          assert.deepStrictEqual(yield* store.stat(path), { sizeBytes: 3, modifiedMillis })
          assert.strictEqual(yield* Stream.mkString(Stream.decodeText(store.read(path))), "abc")
        }
        const error = yield* Effect.flip(save(store, "srv/a.jpg", "again"))
        assert.strictEqual(error.reason, "exists")
      })
    )
  )

  it("says sizes from 8 GiB", async () => {
    const sizeBytes = 20 * 1024 ** 3
    const block = header("large.bin", sizeBytes, modifiedMillis)
    // The extended header has the size, and the field of the header as a number in base 256.
    assert.include(Buffer.from(block).toString("latin1"), ` size=${sizeBytes}\n`)
    assert.strictEqual(Buffer.from(block).readUIntBE(block.length - 512 + 124 + 6, 6), sizeBytes)
    assert.strictEqual(header("large.bin", 8 * 1024 ** 3 - 1, modifiedMillis).length, 512)
  })

  it.effect("keeps files adjacent to their metadata, and whole, if many are published at a time", () =>
    Effect.gen(function* () {
      const paths = Array.from({ length: 200 }, (_, index) => `${index}.txt`)
      const textOf = (path: string) => `${path} `.repeat(1 + ((Number.parseInt(path, 10) * 7919) % 3000))
      const tar = yield* tarOf(
        ({ store }) => Effect.forEach(paths, (path) => save(store, path, textOf(path)), { concurrency: "unbounded" }),
        { memoryBytes: 64_000 }
      )
      const found = yield* samples(tar)
      assert.deepStrictEqual(
        new Map(found.map(({ __key__: key, txt }) => [`${key}.txt`, txt])),
        new Map(paths.map((path) => [path, textOf(path)]))
      )
      assert.isTrue(found.every((sample) => Object.keys(sample).join() === "__key__,txt,json"))
    })
  )
})
