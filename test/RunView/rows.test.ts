/**
 * The rows of a run at several widths.
 */
import { assert, describe, it } from "@effect/vitest"
import { HttpStatus } from "../../src/DownloadError.js"
import { displayWidth } from "../../src/internal/text/displayWidth.js"
import * as RunView from "../../src/RunView.js"
import { requestOf } from "../support/recorded/runEvents.js"

const transfer = (name: string, options?: Partial<RunView.Transfer>): RunView.Transfer => ({
  request: requestOf(name),
  bytes: 8_400_000,
  totalBytes: 20_000_000,
  bytesPerSecond: 3_100_000,
  remainingMillis: 4000,
  elapsedMillis: 2700,
  idleMillis: 0,
  connections: 1,
  retries: 0,
  waiting: undefined,
  ...options
})

const run = (options: Partial<RunView.Snapshot>): RunView.Snapshot => ({
  done: 0,
  failed: 0,
  inFlight: 1,
  expected: 1,
  bytes: 8_400_000,
  totalBytes: 20_000_000,
  isEstimate: false,
  bytesPerSecond: 3_100_000,
  remainingMillis: 4000,
  elapsedMillis: 2700,
  retries: 0,
  waiting: 0,
  longWaits: [],
  transfers: [],
  ...options
})

const one = (options?: Partial<RunView.Transfer>, name = "disk.iso") => run({ transfers: [transfer(name, options)] })

const error = new HttpStatus({ url: "http://origin.test/b", status: 503 })

describe("the rows of one file", () => {
  for (const [columns, expected] of [
    [20, ["disk.iso  42%", "8.4 MB/20.0 MB", "3.1 MB/s  4 s left"]],
    [40, ["disk.iso  42%  8.4 MB/20.0 MB  3.1 MB/s", "4 s left"]],
    [80, ["disk.iso  [===========>               ]  42%  8.4 MB/20.0 MB  3.1 MB/s  4 s left"]],
    [200, ["disk.iso  [================>                       ]  42%  8.4 MB/20.0 MB  3.1 MB/s  4 s left"]]
  ] as const) {
    it(`have all numbers in ${columns} columns`, () => {
      assert.deepStrictEqual(RunView.rows(one(), { columns }), expected)
    })
  }

  it("leave room for a bar after a long name, and count a wide character as two columns", () => {
    const name = `${"日本語".repeat(10)}.iso`
    const [row = "", ...others] = RunView.rows(one({}, name), { columns: 80 })
    assert.deepStrictEqual(others, [])
    assert.match(row, /^日本語日本語日本語… {2}\[=+> +\] {2}42% {2}8.4 MB\/20.0 MB {2}3.1 MB\/s {2}4 s left$/)
    for (const columns of [20, 40, 80, 200]) {
      for (const line of RunView.rows(one({}, name), { columns })) {
        assert.isAtMost(displayWidth(line), columns)
      }
    }
  })

  it("show a spinner, the bytes and the time so far if the length is not known", () => {
    const unknown = one({ totalBytes: undefined, remainingMillis: undefined, elapsedMillis: 75_000 })
    assert.deepStrictEqual(RunView.rows(unknown, { columns: 80, frame: "/" }), [
      "disk.iso  /  8.4 MB  3.1 MB/s  after 1m15s"
    ])
  })

  it("say that no bytes arrive, in place of the rate and the time", () => {
    const stalled = (options?: Partial<RunView.Transfer>) => one({ idleMillis: 7000, ...options })
    assert.deepStrictEqual(RunView.rows(stalled(), { columns: 80 }), [
      "disk.iso  [============>                ]  42%  8.4 MB/20.0 MB  no bytes for 7 s"
    ])
    const unanswered = { bytes: 0, totalBytes: undefined, bytesPerSecond: undefined, remainingMillis: undefined }
    assert.deepStrictEqual(RunView.rows(stalled(unanswered), { columns: 80, frame: "/" }), [
      "disk.iso  /  0 B  no bytes for 7 s"
    ])
    assert.notInclude(RunView.rows(stalled({ idleMillis: 2900 }), { columns: 80 }).join(), "no bytes")
    const waiting = stalled({ waiting: { error, remainingMillis: 12_000 } })
    assert.notInclude(RunView.rows(waiting, { columns: 80 }).join(), "no bytes")
  })

  it("are one line without a bar for a log", () => {
    assert.deepStrictEqual(RunView.rows(one(), { columns: Number.POSITIVE_INFINITY, hasBar: false }), [
      "disk.iso  42%  8.4 MB/20.0 MB  3.1 MB/s  4 s left"
    ])
  })

  it("have the connections if there are several, and leave them out before the bar", () => {
    const several = one({ connections: 4 })
    assert.deepStrictEqual(RunView.rows(several, { columns: 81 }), [
      "disk.iso  [=====>       ]  42%  8.4 MB/20.0 MB  3.1 MB/s  4 s left  4 connections"
    ])
    assert.deepStrictEqual(RunView.rows(several, { columns: 77 }), RunView.rows(one(), { columns: 77 }))
  })

  it("have colours if asked, which change nothing else", () => {
    const plain = RunView.rows(one(), { columns: 80 })
    const colored = RunView.rows(one(), { columns: 80, hasColors: true })
    assert.deepStrictEqual(
      colored.map((row) => row.replace(/\u001b\[\d+m/g, "")),
      plain
    )
    assert.match(colored[0] ?? "", /^disk\.iso {2}\[\u001b\[32m=+>\u001b\[39m +\] {2}42%/)
  })

  it("count the retries, and show the reason and a countdown during a wait", () => {
    const waiting = one({ retries: 2, waiting: { error, remainingMillis: 12_000 } })
    assert.deepStrictEqual(RunView.rows(waiting, { columns: 60 }), [
      "disk.iso  42%  8.4 MB/20.0 MB  3.1 MB/s  2 retries",
      "retry in 12 s: HTTP error 503 - Service Unavailable"
    ])
  })

  it("show a control character in a name as an escape", () => {
    assert.match(RunView.rows(one({}, "a\u001b[2Jb"), { columns: 80 })[0] ?? "", /^a\\x1b\[2Jb {2}\[/)
  })
})

describe("the rows of a list", () => {
  const list = run({
    done: 24,
    failed: 3,
    inFlight: 4,
    expected: 200,
    isEstimate: true,
    bytes: 123_400_000,
    totalBytes: 1_000_000_000,
    remainingMillis: 130_000,
    waiting: 1,
    transfers: [
      transfer("b.zip", { retries: 1, waiting: { error, remainingMillis: 3000 } }),
      transfer("disk.iso"),
      transfer("stream", { totalBytes: undefined, remainingMillis: undefined }),
      transfer("quick", { elapsedMillis: 900 })
    ]
  })

  for (const [columns, expected] of [
    [
      20,
      [
        "24/200  123.4 MB",
        "3.1 MB/s",
        "~2m10s left",
        "3 failed  1 to retry",
        "b.zip  retry in 3 s…",
        "dis…   42%  4 s left",
        "stream        /  3 s"
      ]
    ],
    [
      40,
      [
        "24/200  123.4 MB  3.1 MB/s  ~2m10s left",
        "3 failed  1 to retry",
        "b.zip  retry in 3 s: HTTP error 503 - S…",
        "disk.iso    42%    3.1 MB/s     4 s left",
        "stream        /    3.1 MB/s    after 3 s"
      ]
    ],
    [
      80,
      [
        "24/200  [=>             ]  123.4 MB  3.1 MB/s  ~2m10s left  3 failed  1 to retry",
        "b.zip  retry in 3 s: HTTP error 503 - Service Unavailable",
        "disk.iso                         42%     8.4 MB/20.0 MB    3.1 MB/s     4 s left",
        "stream                             /             8.4 MB    3.1 MB/s    after 3 s"
      ]
    ],
    [
      200,
      [
        "24/200  [====>                                   ]  123.4 MB  3.1 MB/s  ~2m10s left  3 failed  1 to retry",
        "b.zip  retry in 3 s: HTTP error 503 - Service Unavailable",
        "disk.iso                                                       42%     8.4 MB/20.0 MB    3.1 MB/s     4 s left",
        "stream                                                           /             8.4 MB    3.1 MB/s    after 3 s"
      ]
    ]
  ] as const) {
    it(`have the whole first, and all its numbers, in ${columns} columns`, () => {
      assert.deepStrictEqual(RunView.rows(list, { columns, frame: "/" }), expected)
    })
  }

  it("have the retries and the connections of a transfer after its name, if there is room", () => {
    const several = run({
      expected: 2,
      transfers: [transfer("disk.iso", { connections: 4, retries: 1 }), transfer("b.zip", { connections: 3 })]
    })
    const rows = (columns: number) =>
      RunView.rows(several, { columns })
        .slice(1)
        .map((row) => row.replace(/ {3,}.*$/, ""))
    assert.deepStrictEqual(rows(120), ["disk.iso  1 retry  4 connections", "b.zip  3 connections"])
    assert.deepStrictEqual(rows(80), ["disk.iso  1 retry", "b.zip  3 connections"])
  })

  it("say that no bytes arrive for a file", () => {
    const stalled = run({ expected: 2, transfers: [transfer("disk.iso", { idleMillis: 65_000 }), transfer("b.zip")] })
    const rows = (columns: number) => RunView.rows(stalled, { columns }).slice(1)
    assert.deepStrictEqual(rows(76), [
      "disk.iso                     42%     8.4 MB/20.0 MB       no bytes for 1m05s",
      "b.zip                        42%     8.4 MB/20.0 MB    3.1 MB/s     4 s left"
    ])
    assert.deepStrictEqual(rows(20).slice(-2), ["disk.i…   42%  0 B/s", "b.z…   42%  4 s left"])
  })

  it("share one row if they have received nothing, and clip long names in the middle", () => {
    const silent = { bytes: 0, totalBytes: undefined, bytesPerSecond: undefined, remainingMillis: undefined }
    const several = run({
      expected: 9,
      transfers: [
        transfer("photo-000000001.jpg", silent),
        transfer("photo-000000002.jpg"),
        transfer("photo-000000003.jpg", { ...silent, elapsedMillis: 20_000, idleMillis: 12_000 })
      ]
    })
    assert.deepStrictEqual(RunView.rows(several, { columns: 60 }).slice(1), [
      "…00002.jpg   42%     8.4 MB/20.0 MB    3.1 MB/s     4 s left",
      "photo-000000001.jpg  and others: nothing received in 12 s"
    ])
    assert.strictEqual(RunView.rows(several, { columns: 40 })[1], "…0002.jpg   42%    3.1 MB/s     4 s left")
  })

  const waiting = (columns: number, wait: Partial<RunView.LongWait>) => {
    const all = {
      origin: "http://a.example",
      limit: undefined,
      remainingMillis: undefined,
      request: requestOf("b.zip"),
      transfers: 1
    }
    const held = run({ expected: 9, transfers: [], longWaits: [{ ...all, obstacle: "origin", ...wait }] })
    return RunView.rows(held, { columns }).at(-1)
  }

  for (const [obstacle, wait, expected] of [
    ["origin", { limit: 2 }, "waiting for a free connection to a.example (2 at a time)"],
    ["overload", { limit: 1 }, "waiting for a free connection to a.example (1 at a time, because it is overloaded)"],
    ["pause", { remainingMillis: 12_000 }, "waiting 12 s: a.example has asked for a pause"],
    ["rate", {}, "waiting, because the rate of requests is limited"],
    ["concurrency", { limit: 8 }, "waiting for a free connection (8 at a time)"],
    ["unreachable", {}, "waiting: a.example has not answered, and another file tries it first"],
    ["descriptor", {}, "waiting for a connection: too many files are open"],
    ["pipeline", {}, "waiting for earlier responses on a connection to a.example"],
    ["destination", {}, "waiting for another download to the same file"],
    ["disk", {}, "received; waiting for the disk"]
  ] as const) {
    it(`say that a transfer waits, and why: ${obstacle}`, () => {
      assert.strictEqual(waiting(120, { obstacle, ...wait }), `b.zip  ${expected}`)
      assert.isAtMost(displayWidth(waiting(40, { obstacle, ...wait }) ?? ""), 40)
    })
  }

  it("share one row with the transfers that wait for the same permits, and are shorter in narrow terminals", () => {
    const many = { limit: 2, transfers: 12 }
    assert.strictEqual(
      waiting(80, many),
      "b.zip  and 11 others: waiting for a free connection to a.example (2 at a time)"
    )
    assert.strictEqual(waiting(60, many), "b.zip  and 11 others: waiting for a.example (2 at a time)")
    assert.strictEqual(waiting(42, { ...many, transfers: 1 }), "b.zip  waiting for a.example (2 at a time)")
  })

  it("leave room for the row of those that wait for a permit", () => {
    const held = run({
      expected: 99,
      transfers: Array.from({ length: 8 }, (_, index) => transfer(`${index}.zip`)),
      longWaits: [
        {
          origin: "http://a.example",
          obstacle: "overload",
          limit: 8,
          remainingMillis: undefined,
          request: requestOf("9.zip"),
          transfers: 80
        }
      ]
    })
    const rows = RunView.rows(held, { columns: 80 })
    assert.strictEqual(rows.length, 8)
    assert.match(rows[7] ?? "", /^9\.zip {2}and 79 others: waiting for a\.example/)
    assert.deepStrictEqual(
      RunView.rows(held, { columns: 200, hasBar: false })[0]?.match(/80 waiting$/)?.[0],
      "80 waiting"
    )
  })

  it("have failures in red and retries in yellow if asked, at any width", () => {
    for (const columns of [20, 40, 80, 200]) {
      const plain = RunView.rows(list, { columns, frame: "/" })
      const colored = RunView.rows(list, { columns, frame: "/", hasColors: true })
      assert.include(colored.join("\n"), "\u001b[31m3 failed\u001b[39m")
      assert.match(colored.join("\n"), /\u001b\[33mb\.zip {2}retry in 3 s[^\n]*\u001b\[39m/)
      assert.deepStrictEqual(
        colored.map((row) => row.replace(/\u001b\[\d+m/g, "")),
        plain
      )
    }
  })

  it("have no time left when all requests have an outcome", () => {
    const over = run({ ...list, done: 200, inFlight: 0, waiting: 0, remainingMillis: 0, transfers: [] })
    assert.deepStrictEqual(RunView.rows(over, { columns: 80, hasBar: false }), [
      "200/200  123.4 MB  3.1 MB/s  3 failed"
    ])
  })

  it("are at most as many as fit", () => {
    const rows = RunView.rows(list, { columns: 80, rowsAtMost: 2 })
    assert.strictEqual(rows.length, 2)
  })

  it("count what is done and in flight if the number of requests is not known", () => {
    const open = run({ ...list, expected: undefined, totalBytes: undefined, remainingMillis: undefined, transfers: [] })
    assert.deepStrictEqual(RunView.rows(open, { columns: 80, frame: "/" }), [
      "/  24 done, 4 in flight  123.4 MB  3.1 MB/s  3 failed  1 to retry"
    ])
  })
})
