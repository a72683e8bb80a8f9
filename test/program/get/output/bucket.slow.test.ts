/**
 * `halyard get -d s3://BUCKET/PREFIX`: files as objects.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { until } from "../../../support/poll.js"
import { linesOf } from "../../../support/program/eventLines.js"
import { get, sha256 } from "../../../support/program/get.js"
import { randomBytes } from "../../../support/program/killedRuns.js"
import { filesIn, halyard, temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"
import { pausingFile } from "../../../support/servers/pausingFile.js"
import * as Programs from "../../../support/servers/programs.js"
import { accountAt, hasNoSecret, sessionAt } from "../../../support/storage/bucketAccount.js"
import { bucketAt, leftIn, partsIn, textAt } from "../../../support/storage/s3Bucket.js"
import { scriptedS3 } from "../../../support/storage/scriptedS3.js"

const modified = "Fri, 13 Feb 2026 12:00:00 GMT"

/** An origin that answers with the path, and counts its requests. */
const origin = Effect.gen(function* () {
  const requests: Array<string> = []
  const { url } = yield* http((request, response) => {
    requests.push(request.url ?? "")
    if (request.url === "/missing") {
      response.writeHead(404).end()
      return
    }
    const body = `content of ${request.url}`
    response.writeHead(200, { "last-modified": modified, "content-length": body.length }).end(body)
  })
  return { url, requests }
})

describe("halyard get -d s3://BUCKET/PREFIX", () => {
  it.scopedLive("saves files as objects, and keeps what is there in a second run", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const { requests, url } = yield* origin
      const env = sessionAt(storage.endpoint)
      const line = [`${url}/a`, `${url}/sub/a`, "-d", "s3://bucket/pre/fix//", "--no-state"]
      const first = yield* get(line, { env })
      assert.deepStrictEqual(
        [first.exitCode, first.stdout.split("\n").sort().join(" ").trim()],
        [0, "s3://bucket/pre/fix/a s3://bucket/pre/fix/a-2"],
        first.stderr
      )
      assert.strictEqual(textAt(storage, "pre/fix/a"), "content of /a")
      assert.strictEqual(textAt(storage, "pre/fix/a-2"), "content of /sub/a")
      assert.strictEqual(
        storage.objects.get("pre/fix/a")?.metadata["x-amz-meta-mtime"],
        String(Date.parse(modified) / 1000)
      )
      assert.deepStrictEqual(first.files, [])
      assert.strictEqual(storage.requests[0]?.headers["x-amz-security-token"], "token-of-the-session")
      const second = yield* get(line, { env })
      assert.match(second.stderr, /^0 saved, 2 skipped; /m)
      // Without a journal, the server is asked.
      assert.strictEqual(requests.length, 4)
      hasNoSecret([first, second].map(({ stderr, stdout }) => stderr + stdout).join())
    })
  )

  it.scopedLive("names objects by -o, -x and lists, and reports them as JSON", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const { url } = yield* origin
      const env = accountAt(storage.endpoint)
      const cwd = yield* temporaryDirectory
      const named = yield* get([`${url}/a`, "-d", "s3://bucket", "-o", "k/ä b", "--json"], { cwd, env })
      assert.strictEqual(named.exitCode, 0, named.stderr)
      assert.isTrue(linesOf(named.stdout).some((line) => "file" in line && line.file === "s3://bucket/k/ä b"))
      assert.strictEqual(textAt(storage, "k/ä b"), "content of /a")
      yield* get([`${url}/x/y`, "-d", "s3://bucket/p", "-x"], { cwd, env })
      assert.strictEqual(textAt(storage, `p/${new URL(url).host.replace(":", "+")}/x/y`), "content of /x/y")
      const list = `url,dir,name\n${url}/1,one,n1\n${url}/2,../two,n2\n${url}/missing,,n3\n`
      writeFileSync(join(cwd, "list.csv"), list)
      const listed = yield* get(["-i", "list.csv", "-d", "s3://bucket/p", "--failed", "failed.ndjson"], { cwd, env })
      assert.strictEqual(listed.exitCode, 1)
      assert.strictEqual(textAt(storage, "p/one/n1"), "content of /1")
      assert.match(listed.stderr, /^list\.csv, line 3: .* is outside of the directory s3:\/\/bucket\/p/m)
      assert.include(listed.stderr, "-d s3://bucket/p")
      assert.include(readFileSync(join(cwd, "failed.ndjson"), "utf8"), `{"url":"${url}/missing","name":"n3"}`)
      const { stdout } = yield* get([`${url}/a`, "-d", "s3://bucket/p", "-o", "-"], { cwd, env: {} })
      assert.strictEqual(stdout, "content of /a")
    })
  )

  it.scopedLive("says what it would do with --dry-run, and changes nothing", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const { requests, url } = yield* origin
      const env = accountAt(storage.endpoint)
      yield* get([`${url}/a`, "-d", "s3://bucket/p"], { env })
      storage.requests.length = 0
      requests.length = 0
      const { exitCode, stderr, stdout } = yield* get([`${url}/a`, `${url}/b`, "-d", "s3://bucket/p", "--dry-run"], {
        env
      })
      assert.strictEqual(exitCode, 0, stderr)
      assert.match(stdout, /^s3:\/\/bucket\/p\/a: exists \(13 bytes\), and would be replaced if/m)
      assert.match(stdout, /^s3:\/\/bucket\/p\/b: would be downloaded from/m)
      assert.match(stderr, /no file was requested$/m)
      assert.deepStrictEqual(requests, [])
      assert.isTrue(storage.requests.every(({ method }) => method === "GET" || method === "HEAD"))
    })
  )

  it.scopedLive("asks no server about a file that --journal knows, verifies checksums, and obeys --on-exists", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const { requests, url } = yield* origin
      const cwd = yield* temporaryDirectory
      const options = { cwd, env: accountAt(storage.endpoint) }
      const line = [`${url}/a`, "-d", "s3://bucket/p"]
      yield* get([...line, "--journal", "journal"], options)
      const again = yield* get([...line, "--journal", "journal"], options)
      assert.match(again.stderr, /^0 saved, 1 skipped; /m)
      yield* get([...line, "--on-exists", "skip"], options)
      assert.strictEqual(requests.length, 1)
      yield* get([...line, "--checksum", sha256("content of /a")], options)
      assert.strictEqual(requests.length, 1)
      const wrong = yield* get([`${url}/b`, "-d", "s3://bucket/p", "--checksum", sha256("other")], options)
      assert.strictEqual(wrong.exitCode, 1)
      assert.isFalse(storage.objects.has("p/b"))
      const exists = yield* get([...line, "--on-exists", "fail"], options)
      assert.match(exists.stderr, /cannot write s3:\/\/bucket\/p\/a: the file already exists/)
      const unique = yield* get([...line, "--on-exists", "unique"], options)
      assert.strictEqual(unique.stdout, "s3://bucket/p/a-2\n")
      assert.deepStrictEqual(filesIn(cwd), ["journal"])
    })
  )

  it.scopedLive("continues a large file after Ctrl-C", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const content = Buffer.from(randomBytes(20_000_000))
      const origin = yield* pausingFile(content, 17_000_000)
      const cwd = yield* temporaryDirectory
      const env = accountAt(storage.endpoint)
      const line = ["get", origin.url, "-d", "s3://bucket/p", "--segments", "1"]
      const running = yield* halyard(line, { cwd, env })
      yield* until(
        "two blocks",
        () =>
          running.hasEnded() ||
          [...storage.objects.keys()].filter((key) => key.includes("/blocks/")).length >= 2 ||
          undefined,
        running.stderr
      )
      yield* running.signal("SIGINT")
      assert.strictEqual((yield* running.ended).exitCode, 130)
      assert.isFalse(storage.objects.has("p/file"))
      origin.stopPausing()
      const again = yield* get(line.slice(1), { cwd, env })
      assert.strictEqual(again.exitCode, 0, again.stderr)
      assert.isTrue(storage.objects.get("p/file")?.body.equals(content))
      assert.isAtLeast(Number(/^bytes=(\d+)-$/.exec(origin.ranges()[1] ?? "")?.[1]), 8 * 1024 * 1024)
      assert.deepStrictEqual(leftIn(storage), [])
    })
  )

  it.scopedLive("fails with a sentence, and without a request for a file, if the storage cannot be used", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const { requests, url } = yield* origin
      const line = [`${url}/a`, "-d", "s3://bucket/p"]
      const account = sessionAt(storage.endpoint)
      const without = (...names: ReadonlyArray<string>) =>
        Object.fromEntries(Object.entries(account).filter(([name]) => !names.includes(name)))
      const check = (env: Record<string, string>, exitCode: number, sentence: RegExp) =>
        Effect.map(get(line, { env }), (ended) => {
          assert.deepStrictEqual([ended.exitCode, ended.stdout], [exitCode, ""], ended.stderr)
          assert.match(ended.stderr, sentence)
          hasNoSecret(ended.stderr)
        })
      yield* check(without("AWS_ACCESS_KEY_ID"), 2, /s3:\/\/bucket\/p needs an account: AWS_ACCESS_KEY_ID is not set/)
      yield* check(
        without("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        2,
        /AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; set them in the environment/
      )
      yield* check({ ...account, AWS_ENDPOINT_URL_S3: "here" }, 2, /AWS_ENDPOINT_URL_S3: it is not a URL/)
      yield* check({ ...account, AWS_SESSION_TOKEN: "token-of-the-session\n" }, 2, /AWS_SESSION_TOKEN: the key id/)
      yield* check({ ...account, AWS_REGION: "eu west" }, 2, /AWS_REGION: it is not the name of a region/)
      yield* check(
        without("AWS_ENDPOINT_URL_S3"),
        1,
        /cannot write s3:\/\/bucket\/p: the storage could not be reached: the connection was refused/
      )
      for (const [status, code, sentence] of [
        [404, "NoSuchBucket", /cannot write s3:\/\/bucket\/p: there is no such bucket \(NoSuchBucket\)/],
        [403, "InvalidAccessKeyId", /the storage does not know the access key \(InvalidAccessKeyId\)/],
        [403, "SignatureDoesNotMatch", /the secret access key is wrong \(SignatureDoesNotMatch\)/]
      ] as const) {
        storage.behave = () => ({ status, code })
        yield* check(account, 1, sentence)
      }
      assert.deepStrictEqual(requests, [])
      // The storage allows no listing and no writing.
      storage.behave = ({ method }) => (method === "HEAD" ? "answer" : { status: 403, code: "AccessDenied" })
      const denied = yield* get([...line, "--retries", "0"], { env: account })
      assert.strictEqual(denied.exitCode, 1)
      assert.match(
        denied.stderr,
        /cannot write s3:\/\/bucket\/p\/a: the credentials do not allow this \(AccessDenied\)/
      )
      assert.include(denied.stderr, "must be allowed to list the bucket")
      hasNoSecret(denied.stderr)
    })
  )

  it.scopedLive("refuses a line that makes no sense, and a project that names a bucket", () =>
    Effect.gen(function* () {
      const url = "http://127.0.0.1:9/a"
      for (const [line, sentence] of [
        [["-d", "s3://"], /--directory DIR: an object storage is s3:\/\/BUCKET\/PREFIX/],
        [["-d", "s3:/bucket/p"], /--directory DIR: an object storage is s3:\/\/BUCKET\/PREFIX/],
        [["-d", "s3://AKIA:secret@bucket"], /--directory DIR: an object storage is s3:\/\/BUCKET\/PREFIX/],
        [["-d", "s3://bucket/a/../b"], /--directory DIR: the part after s3:\/\/bucket\/ must have/],
        [["-d", "s3://bucket", "--continue"], /--continue is for directories, and --directory s3:\/\/bucket is in an/],
        [
          ["-d", "s3://bucket", "--allow-outside"],
          /--allow-outside is for directories, and --directory s3:\/\/bucket is/
        ],
        [["-d", "s3://bucket", "-o", "/etc/a"], /--output FILE: a name below s3:\/\/bucket must not begin or end/],
        [["-o", "s3://bucket/a"], /--output FILE is the name below --directory s3:\/\/BUCKET\/PREFIX/]
      ] as const) {
        const { exitCode, stderr } = yield* get([url, ...line], { env: accountAt("http://127.0.0.1:9") })
        assert.strictEqual(exitCode, 2, line.join(" "))
        assert.match(stderr, sentence)
        assert.notInclude(stderr, "secret@")
      }
      const cwd = yield* temporaryDirectory
      writeFileSync(join(cwd, "halyard.toml"), `directory = "s3://bucket/p"\n`)
      const project = yield* get([url], { cwd })
      assert.strictEqual(project.exitCode, 2)
      assert.match(project.stderr, /the directory of a project must be inside the project/)
    })
  )

  Programs.withPrograms(["swift-proxy-server"], "saves small and large files over Swift", () =>
    Effect.gen(function* () {
      const { url: endpoint } = yield* Programs.swift
      const bucket = bucketAt(endpoint, "p")
      yield* bucket.client.createBucket
      const content = Buffer.from(randomBytes(18_000_000))
      const { url } = yield* http(({ url: path }, response) =>
        response.end(path === "/large" ? content : `content of ${path}`)
      )
      const env = accountAt(endpoint)
      const line = [`${url}/small`, `${url}/large`, "-d", "s3://bucket/p"]
      const { exitCode, stderr } = yield* get(line, { env })
      assert.strictEqual(exitCode, 0, stderr)
      assert.strictEqual(String(Buffer.from((yield* bucket.client.get("p/small")) ?? [])), "content of /small")
      assert.isTrue(Buffer.from((yield* bucket.client.get("p/large")) ?? []).equals(content))
      assert.deepStrictEqual(yield* partsIn(bucket), [])
      const wrong = yield* get([`${url}/small`, "-d", "s3://bucket/p"], {
        env: { ...env, AWS_SECRET_ACCESS_KEY: "wrong" }
      })
      assert.match(wrong.stderr, /the secret access key is wrong/)
      const none = yield* get([`${url}/small`, "-d", "s3://none/p"], { env })
      assert.match(none.stderr, /there is no such bucket/)
    })
  )
})
