import { assert, describe, it } from "@effect/vitest"
import { usedUpMillis } from "../../../src/internal/http/quota.js"

const now = Date.UTC(2026, 0, 1)

const nowSeconds = now / 1000

describe("a quota", () => {
  for (const [title, headers, expected] of [
    ["of RateLimit", { ratelimit: '"default";r=0;t=30' }, 30_000],
    ["of RateLimit with more parameters", { ratelimit: '"a";t=5;pk=:YQ==:;r=0;x' }, 5000],
    ["that is the longest of two", { ratelimit: '"burst";r=0;t=3, "day";r=0;t=60, "other";r=9;t=900' }, 60_000],
    ["with its window in the policy", { ratelimit: '"a";r=0', "ratelimit-policy": '"b";q=1;w=9, "a";q=5;w=7' }, 7000],
    ["of an earlier draft", { ratelimit: "limit=10, remaining=0, reset=15" }, 15_000],
    ["of RateLimit-Remaining", { "ratelimit-remaining": "0", "ratelimit-reset": "12" }, 12_000],
    ["in fractions of a second", { "ratelimit-remaining": "0", "ratelimit-reset": "0.25" }, 250],
    ["until a time in seconds", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": `${nowSeconds + 40}` }, 40_000],
    ["until a time in milliseconds", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": `${now + 450}` }, 450],
    ["with a third name", { "x-rate-limit-remaining": "0", "x-rate-limit-reset": "8" }, 8000],
    [
      "by the clock of the server",
      {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": `${nowSeconds + 3600 + 5}`,
        date: new Date(now + 3_600_000).toUTCString()
      },
      5000
    ]
  ] as const) {
    it(`${title} is used up`, () => {
      assert.strictEqual(usedUpMillis(headers, now), expected)
    })
  }

  it("that is not used up, or whose header says nothing that is understood, is no quota", () => {
    for (const ratelimit of [
      '"default";r=50;t=30',
      '"default";r=0',
      '"default";r=0;t=0',
      '"default";r=0;t=-5',
      '"default";r=0;t="30"',
      '"default";r="0";t=30',
      '"default";r=?0;t=30',
      '("a" "b");r=0',
      "limit=10, remaining=0",
      "limit=10, remaining=5, reset=30",
      "remaining=(0), reset=30",
      "",
      '"',
      ";;;",
      "r=0;t=30 x",
      "\u0000",
      `${'"a";r=0;t=1, '.repeat(10_000)}"a";r=0;t=1`
    ]) {
      assert.isUndefined(usedUpMillis({ ratelimit }, now), ratelimit.slice(0, 40))
    }
    for (const [remaining, reset] of [
      ["1", "30"],
      ["0", "0"],
      ["0", ""],
      ["0", "soon"],
      ["0", "-5"],
      ["0", "1e3"],
      ["0", "9".repeat(400)],
      ["0", "500000000"],
      ["0", `${nowSeconds - 1}`],
      ["0", "Thu, 01 Jan 2026 00:01:00 GMT"],
      ["-1", "30"],
      ["", "30"],
      ["0, 0", "30"]
    ] as const) {
      const headers = { "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset }
      assert.isUndefined(usedUpMillis(headers, now), `${remaining} ${reset}`)
    }
    assert.isUndefined(usedUpMillis({ "x-ratelimit-remaining": "0" }, now))
    assert.isUndefined(usedUpMillis({}, now))
  })
})
