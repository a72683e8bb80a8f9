// Bugs, to be planted one at a time: in each of these files a piece of text stands that is replaced by another. The
// simulation has to find every one of them. A piece that is not found in its file is an error, so that the list stays true.

const attempt = "engine/attempt.ts"
const check = "engine/responseCheck.ts"
const kept = "engine/partialFile.ts"
const receive = "engine/receiveBody.ts"
const segment = "engine/segments/segmentRequest.ts"
const segments = "engine/segments/segments.ts"
const coverage = "engine/segments/rangeMap.ts"
const transfer = "engine/transfer.ts"
const settle = "engine/outcome.ts"
const share = "engine/sharedTransfer.ts"
const watch = "engine/deadlines.ts"
const governor = "OriginGovernor.ts"
const permits = "OriginGovernor/permits.ts"
const queues = "OriginGovernor/queues.ts"
const store = "Store/FileSystem.ts"
const direct = "Store/directPart.ts"
const quick = "engine/quick.ts"

/** [what is wrong, [file, text, replacement] …] */
export const mutations = [
  ["no length check", [attempt, "totalBytes !== undefined && receivedBytes < totalBytes", "false"]],
  [
    "bytes beyond the announced end are taken",
    [receive, "chunk.length > leftBytes ? chunk.subarray(0, leftBytes) : chunk", "chunk"]
  ],
  ["no If-Range", [attempt, 'headers["if-range"] = kept.validator', ""]],
  ["a weak validator in If-Range", ["internal/http/validator.ts", '/^"[', '/^(?:W\\/)?"[']],
  [
    "two versions are spliced",
    [attempt, 'headers["if-range"] = kept.validator', ""],
    [check, "kept.validator !== undefined && !Validator.matches(kept.validator, headers)", "false"]
  ],
  ["a resume that nothing guards", [kept, "this.isGuarded && isWhole", "isWhole"]],
  ["append on 200", [attempt, "answer.startBytes > 0 && kept.part !== undefined", "kept.part !== undefined"]],
  ["start over without emptying the part", [kept, "Effect.as(part.truncate, part)", "Effect.succeed(part)"]],
  [
    "the digest is not begun again with the part",
    [
      kept,
      "this.hash = this.expected === undefined ? undefined : this.hasher.make(this.expected.algorithm)\n      const",
      "const"
    ]
  ],
  ["no Content-Range check", [check, "range.startBytes !== offsetBytes ||", ""]],
  [
    "a part is taken for the whole by its status",
    [check, "range.startBytes !== 0 ||", ""],
    [check, "range.endBytes + 1 !== totalBytes ||", ""],
    [check, "(range.totalBytes ?? totalBytes) !== totalBytes", "false"],
    [check, "isOtherTotal && isDoubted", "false"]
  ],
  ["another length of the same version is taken", [check, "isOtherTotal && isDoubted", "false"]],
  [
    "a part of another length is taken",
    [check, "lengthBytes !== undefined && lengthBytes !==", "false && lengthBytes !=="]
  ],
  ["a coded part is taken", [check, "coding === kept.coding", "true"]],
  ["parts with heads of their own are taken", [check, "  if (type === multipart) {", "  if (false) {"]],
  [
    "the end of a range is taken for the end of the file",
    [attempt, "startBytes === 0 || bytes >=", "totalBytes === undefined || bytes >="]
  ],
  ["a range that is refused is final", [attempt, "offsetBytes === 0 || isTransient(error)", "true"]],
  ["a range that is refused each time is final", [transfer, "kept.refuseLastRange()", "false"]],
  ["a byte is progress", ["engine/retryCount.ts", "(isShare ||", "(broughtBytes > 0 ||"]],
  ["the digest is not compared", [attempt, "!expected.digests.includes(actual)", "false"]],
  [
    "the final name is written directly",
    [store, "path.join(path.dirname(destination), drawName())", "destination"],
    [store, '{ flag: "wx+" as const } :', '{ flag: "w+" as const } :']
  ],
  ["no sync of the file", [store, "yield* translate(file.sync)", ""]],
  ["no sync of the directory", [store, "syncDirectory(path.dirname(destination)),", "Effect.void,"]],
  ["the temporary stays", [store, "isLeft ? Effect.ignore(fs.remove(name)) : Effect.void", "Effect.void"]],
  ["a file that came meanwhile is overwritten", [store, 'if (onExists === "overwrite") {', "if (true) {"]],
  [
    "the publish can be interrupted",
    [
      transfer,
      "part.publish({ onExists: request.onExists, durability: options.durability })",
      "Effect.interruptible(part.publish({ onExists: request.onExists, durability: options.durability }))"
    ],
    [store, "return standsAt\n            }).pipe(Effect.uninterruptible)", "return standsAt\n            })"],
    [direct, "Effect.uninterruptible(\n      synced.pipe(", "(\n      synced.pipe("]
  ],
  ["the outcome is decided after the publish", [settle, "decided = outcome", ""]],
  [
    "two outcomes",
    [
      "engine/caller.ts",
      "this.background.leave()",
      "this.background.leave()\n    outcome !== undefined && this.tell(Unvalidated.make(Finished, { outcome }))"
    ]
  ],
  [
    "a permit is leaked on cancel",
    [governor, "ticket.park(false)\n              act((at) => permits.leave(ticket, at))", "ticket.park(false)"],
    [transfer, "release()\n          return Effect.failCause(cause)", "return Effect.failCause(cause)"]
  ],
  [
    "no caller is woken for a permit",
    [
      permits,
      "this.refill(origin, limit === undefined ? undefined : this.limits.get(limit), now)\n    this.grantReady(now)",
      ""
    ]
  ],
  ["no waiting fiber keeps the time", [governor, "dueAt < sleepsUntil", "false"]],
  [
    "no limit for an origin",
    [queues, "this.isFull(now) || this.pausedUntil > now", "this.pausedUntil > now"],
    [queues, "this.limit.current(now) - this.used", "Number.POSITIVE_INFINITY"]
  ],
  [
    "no limit in all",
    [permits, "this.used >= this.concurrency", "false"],
    [permits, "limit !== undefined && limit.used >= limit.limit", "limit === undefined && false"]
  ],
  [
    "Retry-After is ignored",
    ["RetryPolicy.ts", "Math.min(error.retryAfterMillis, Duration.toMillis(policy.longestWait))", "0"]
  ],
  ["Retry-After holds for one transfer alone", [transfer, "asked > 0 && isOverload(error) ?", "false ?"]],
  [
    "a connection is kept while a retry is waited for",
    [
      attempt,
      "    close: crew?.close ?? close\n",
      "    close: Effect.sync(() => { self.kept.discard = Effect.zipRight(self.kept.discard, crew?.close ?? close) })\n"
    ]
  ],
  [
    "a fiber outlives its attempt",
    [watch, "Effect.forkIn(Effect.interruptible(tick), scope)", "Effect.forkDaemon(Effect.interruptible(tick))"],
    [watch, "return Effect.asVoid(Fiber.interrupt(idle))", "return undefined"]
  ],
  ["no stall timeout", [watch, "earlierBytes.reduce((sum, bytes) => sum + bytes, windowBytes) < stall.bytes", "false"]],
  ["the deadline of a request is ignored", [watch, "wait.deadlineAt <= now", "false"]],
  ["no deadline for headers", [watch, 'wait.headersAt <= now ? "headers" : undefined', "undefined"]],
  ["secrets cross origins", ["engine/redirect.ts", "from.isFirstOrigin && url.origin === from.url.origin", "true"]],
  [
    "secrets are encoded",
    ["Download/requestFields.ts", "headerValue: () => DisplayUrl.placeholder", "headerValue: Redacted.value"]
  ],
  ["redirects without end", ["engine/redirect.ts", "from.count === maximum", "false"]],
  ["redirects to anything", ["engine/redirect.ts", "!isHttp(url)", "false"]],
  ["a file of one's own replaces another", [store, 'if (onExists === "overwrite")', 'if (onExists !== "fail")']],
  ["a small file is not synced", [direct, "(descriptor) => calls.sync(descriptor)", "() => Effect.void"]],
  ["a small file replaces another", [direct, 'if (onExists === "overwrite")', 'if (onExists !== "fail")']],
  [
    "the part of a small file stays",
    [
      direct,
      "if (name !== undefined) {\n        quietly(() => this.site.calls.remove(name))",
      "if (name !== undefined) {\n        quietly(() => {})"
    ]
  ],
  [
    "the descriptor of a small file stays",
    [direct, "quietly(() => this.site.calls.close(descriptor))", "quietly(() => {})"]
  ],
  [
    "a small file starts over at its end",
    [direct, "      this.buffer.clear()\n      this.bytes = 0\n", "      this.buffer.clear()\n"]
  ],
  ["what waits in memory is not written", [direct, "of this.buffer.take()) {", "of []) {"]],
  ["a device that takes nothing is asked for ever", [direct, "emptyWrites === emptyWritesAtMost", "false"]],
  ["a directory counts as a file that is there", [direct, "&& calls.exists(destination)", ""]],
  [
    "a file that was closed for want of descriptors is made anew",
    [direct, "this.reopen === undefined ? this.created() : this.reopen()", "this.created()"]
  ],
  [
    "a quick attempt that is interrupted keeps its connection",
    [quick, "return exchange?.close ?? Effect.void", "return Effect.void"]
  ],
  [
    "a quick attempt has no bounds",
    [
      quick,
      "    if (!this.isOver) {\n      this.handOver(this.of(this.timedOut(",
      "    if (false) {\n      this.handOver(this.of(this.timedOut("
    ]
  ],
  [
    "what a quick attempt has received is of no known version",
    [quick, "this.kept.begun(this.response, this.kept.totalBytes, this.hop.url)", ""]
  ],
  ["a caller that joins a transfer gets no events of it", [share, "this.followers.add(follower)", ""]],
  [
    "the events of a transfer go to its first caller alone, twice",
    [share, "audience.tell(forRequest(request, event))", "audience.tell(event)"]
  ],
  ["a caller that is interrupted cancels the transfer of all", [share, "return shared.callers > 0", "return false"]],
  ["the last caller that is interrupted cancels nothing", [share, "return shared.callers > 0", "return true"]],
  ["a caller that joins a cancelled transfer is cancelled too", [share, "!found.isCancelled && ", ""]],
  [
    "a truncated body is not tried again",
    ["RetryPolicy.ts", '    case "Truncated":\n', ""],
    [
      "RetryPolicy.ts",
      "  switch (error._tag) {",
      '  if (error._tag === "Truncated") return false\n  switch (error._tag) {'
    ]
  ],
  [
    "a content coding is asked for",
    ["Download/requestHeaders.ts", '"accept-encoding": "identity"', '"accept-encoding": "gzip"']
  ],
  ["a segment without If-Range", [segment, 'headers["if-range"] = kept.validator', ""]],
  [
    "what a failed helper has not fetched counts as there",
    [coverage, "this.add(claim.startBytes, claim.doneBytes)", "this.add(claim.startBytes, claim.endBytes)"]
  ],
  [
    "a helper without a permit",
    [
      transfer,
      "tryAcquireIdle: (onWanted) => governor.tryAcquireIdle(origin, onWanted, ask)",
      "tryAcquireIdle: () => ({ release: () => {}, tryReuse: () => true })"
    ]
  ],
  ["a helper keeps its permit", [segments, "    helper.permit?.release()\n", ""]],
  [
    "a helper outlives its attempt",
    [segments, "Fiber.interruptAll(Array.from(this.helpers).flatMap((one) => one.fiber ?? []))", "Effect.void"]
  ],
  [
    "a segment is asked for while the origin wants to be left alone",
    [transfer, "tryReuse: () => permit?.tryReuse() ?? false", "tryReuse: () => true"]
  ],
  ["what did not come in order is not in the digest", [kept, "return more\n  }", "return Effect.void\n  }"]],
  ["the next attempt begins where the part ends", [kept, "(hole?.startBytes ?? 0)", "bytes"]]
]
