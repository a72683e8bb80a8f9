// Bugs of transfers: what is requested, taken, written and published.

const attempt = "engine/attempt.ts"
const check = "engine/responseCheck.ts"
const partial = "engine/partialFile.ts"
const content = "engine/contentCheck.ts"
const request = "engine/transportRequest.ts"
const wait = "engine/wait.ts"
const receive = "engine/receiveBody.ts"
const segments = "engine/segments/segmentWorkers.ts"
const mirrors = "engine/segments/mirrors.ts"
const workers = "engine/segments/workerSet.ts"
const ranges = "engine/segments/rangeMap.ts"
const transfer = "engine/transfer.ts"
const openPart = "engine/resume/openPart.ts"
const share = "engine/sharedTransfer.ts"
const callers = "engine/callerEvents.ts"
const deadlines = "engine/deadlines.ts"
const governor = "OriginGovernor.ts"
const permits = "OriginGovernor/permits.ts"
const queues = "OriginGovernor/queues.ts"
const store = "Store/FileSystem.ts"
const part = "Store/filePart.ts"
const lazyFile = "Store/lazyFile.ts"
const publishing = "Store/files/publishing.ts"
const fileSyncs = "Store/syncs/fileSyncs.ts"

/** [what is wrong, [file, text, replacement] …] */
export const mutations = [
  ["no length check", [content, "totalBytes !== undefined && bytes < totalBytes", "false"]],
  [
    "bytes beyond the announced end are taken",
    [receive, "chunk.length > leftBytes ? chunk.subarray(0, leftBytes) : chunk", "chunk"]
  ],
  ["no If-Range", [request, "validator === undefined ? undefined", "true ? undefined"]],
  ["a weak validator in If-Range", ["internal/http/validator.ts", '/^"[', '/^(?:W\\/)?"[']],
  [
    "two versions are spliced",
    [request, "validator === undefined ? undefined", "true ? undefined"],
    [check, "validator !== undefined && !Validator.matches(validator, headers)", "false"]
  ],
  ["a resume that nothing guards", [partial, "this.isGuarded && isUnfinished", "isUnfinished"]],
  ["append on 200", [attempt, "answer.startBytes > 0 && partial.part !== undefined", "partial.part !== undefined"]],
  [
    "start over without emptying the part",
    [partial, "(this.isDelivered || (this.receivedBytes === 0 && !this.isKept))", "true"]
  ],
  [
    "the part stays when the transfer starts over",
    [partial, 'andThen(part?.close("discard") ?? Exit.void, () =>', "andThen(Exit.void, () =>"]
  ],
  [
    "the digest is not begun again with the part",
    [
      "engine/contentDigest.ts",
      "this.announced = undefined\n    this.start()",
      "this.announced = undefined\n    if (this.hash === undefined) this.start()"
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
  ["a coded part is taken", [check, "coding === partial.coding", "true"]],
  ["parts with heads of their own are taken", [check, "  if (type === multipart) {", "  if (false) {"]],
  [
    "the end of a range is taken for the end of the file",
    [attempt, "startBytes === 0 || bytes >=", "totalBytes === undefined || bytes >="]
  ],
  ["a range that is refused is final", [attempt, "this.offsetBytes === 0 || isTransient(error)", "true"]],
  ["a range that is refused each time is final", ["engine/retries.ts", "partial.refuseLastRange()", "false"]],
  ["a byte is progress", ["engine/retryCount.ts", "(isShare ||", "(broughtBytes > 0 ||"]],
  ["the digest is not compared", [content, "!digests.some((digest) => actual === `${algorithm}:${digest}`)", "false"]],
  [
    "the final name is written directly",
    [part, 'prefix + PartName.partName(id, processes.own, isLong ? "" : name)', "destination"],
    [store, ': { flag: "wx+" }', ': { flag: "w+" }']
  ],
  [
    "no sync of the file",
    [part, "this.store.fileSyncs.sync(handle, isSmall, (synced) => {", "((use) => use(Exit.void))((synced) => {"]
  ],
  [
    "no sync of the directory",
    [part, "const now = directorySyncs.syncNow(directory)", "const now: Exit.Exit<void, unknown> = Exit.void"]
  ],
  [
    "a file gets its name while it is synced",
    [fileSyncs, "this.queue.push({", "resume(Exit.void)\n        this.queue.push({"]
  ],
  ["files that share a sync get their names before it", [fileSyncs, ": shared.sync(first.handle)", ": Exit.void"]],
  [
    "the file of the last caller is never synced",
    [
      fileSyncs,
      "this.aloneCount--\n        this.start()",
      "this.aloneCount--\n        this.queue.length > 1 && this.start()"
    ]
  ],
  [
    "the part stays",
    [part, "return matchExit(operations.remove(path), (exit) =>", "return matchExit(Exit.void, (exit) =>"]
  ],
  [
    "a part that cannot be published stays",
    [part, "this.path = path\n      this.isFinished = false\n", "this.isFinished = false\n"]
  ],
  ["a file that came meanwhile is overwritten", [publishing, 'if (onExists === "overwrite") {', "if (true) {"]],
  [
    "the publish can be interrupted",
    [transfer, "this.whilePublishing(publishing), {", "Effect.interruptible(this.whilePublishing(publishing)), {"],
    [
      part,
      ": Effect.uninterruptible(Effect.suspend(() => this.publishDurably(prepare, onExists)))",
      ": Effect.suspend(() => this.publishDurably(prepare, onExists))"
    ],
    [lazyFile, "Effect.uninterruptible(\n      Effect.mapError(", "(\n      Effect.mapError("]
  ],
  [
    "an interruption cancels a file that is published",
    [
      transfer,
      "onSuccess: published,",
      "onSuccess: (destination) => Effect.zipRight(Effect.interruptible(Effect.yieldNow()), published(destination)),"
    ]
  ],
  [
    "two outcomes",
    [
      "engine/caller.ts",
      "this.dependencies.background.leave()",
      "this.dependencies.background.leave()\n    outcome !== undefined && this.send(Unvalidated.make(Finished, { outcome, atMillis: 0 }))"
    ]
  ],
  [
    "a permit is leaked on cancel",
    [governor, "ticket.park(false)\n              act((at) => permits.leave(ticket, at))", "ticket.park(false)"],
    [transfer, "      this.release()\n      return Exit.void", "      return Exit.void"]
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
    [queues, "this.permits(now) - this.used", "Number.POSITIVE_INFINITY"]
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
  [
    "Retry-After holds for one transfer alone",
    ["engine/fileTransfer.ts", "isOverload(error) ? RetryPolicy", "false ? RetryPolicy"]
  ],
  [
    "a connection is kept while a retry is waited for",
    [receive, "return this.exchange?.close ?? Exit.void", "return Exit.void"]
  ],
  [
    "a fiber outlives its attempt",
    [deadlines, "Effect.forkScoped(Effect.interruptible(deadlines.timer))", "Effect.forkDaemon(deadlines.timer)"]
  ],
  ["no stall timeout", [wait, "earlierBytes.reduce((sum, bytes) => sum + bytes, windowBytes) < stall.bytes", "false"]],
  ["the deadline of a request is ignored", [wait, "this.deadlineAt <= now", "false"]],
  ["no deadline for headers", [wait, 'this.headersAt <= now ? "headers" : undefined', "undefined"]],
  ["secrets cross origins", ["engine/redirect.ts", "from.isFirstOrigin && isSameOrigin", "true"]],
  [
    "secrets are encoded",
    ["Download/requestFields.ts", "headerValue: () => DisplayUrl.placeholder", "headerValue: Redacted.value"]
  ],
  ["redirects without end", ["engine/redirect.ts", "from.count === maximum", "false"]],
  ["redirects to anything", ["engine/redirect.ts", "!isHttp(url)", "false"]],
  ["a file of one's own replaces another", [publishing, 'if (onExists === "overwrite")', 'if (onExists !== "fail")']],
  ["the descriptor of a part stays", [part, "Effect.ignore(operations.close(handle))", "Effect.void"]],
  ["what waits in memory is not written", [part, "this.buffer.take()", "[]"]],
  ["a device that takes nothing is asked for ever", ["Store/files/writeAll.ts", "empty === maxEmptyWrites", "false"]],
  [
    "a directory counts as a file that is there",
    [publishing, "found !== undefined\n        ? Exit.succeed(undefined)", "true\n        ? Exit.succeed(undefined)"]
  ],
  [
    "a file that was closed for want of descriptors is made anew",
    [lazyFile, "this.reopen === undefined ? this.created(operations) : this.reopen()", "this.created(operations)"]
  ],
  [
    "an attempt that is interrupted keeps its connection",
    [attempt, "onFailure: (cause) => andThen(this.close, ", "onFailure: (cause) => andThen(Exit.void, "]
  ],
  ["an attempt has no limits", [receive, "this.transfer.deadlines.add(this)", ""]],
  ["received bytes are of no known version", [attempt, "partial.accept(head, answer, hop)", ""]],
  ["a caller that joins a transfer gets no events of it", [callers, "this.followers.add(follower)", ""]],
  [
    "the events of a transfer go to its first caller alone, twice",
    [callers, "events?.send(forRequest(request, event, isShared))", "events?.send(event)"]
  ],
  [
    "a caller that is interrupted cancels the transfer of all",
    [share, "if (shared.callers > 0) {", "if (Number.NaN > 0) {"]
  ],
  [
    "the last caller that is interrupted cancels nothing",
    [share, "if (shared.callers > 0) {", "if (shared.callers >= 0) {"]
  ],
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
  [
    "what a failed helper has not fetched counts as there",
    [ranges, "this.add(claim.startBytes, claim.doneBytes)", "this.add(claim.startBytes, claim.endBytes)"]
  ],
  [
    "a helper without a permit",
    [
      workers,
      "transfer.governor.tryAcquireIdle(hop.origin, onWanted, transfer.permitOptions)",
      "({ release: () => {}, tryReuse: () => true })"
    ]
  ],
  [
    "a helper keeps its permit",
    [workers, "\n    worker.permit?.release()\n", "\n"],
    [workers, "\n      permit?.release()\n", "\n"]
  ],
  ["a helper outlives its attempt", [workers, "segment?.close ?? Effect.void", "Effect.void"]],
  [
    "a segment is asked for while the origin wants to be left alone",
    [segments, "next.exists && worker.permit?.tryReuse() === true", "next.exists"],
    [segments, "isMore && owner.permit.tryReuse()", "isMore"]
  ],
  [
    "what did not come in order is not in the digest",
    ["engine/contentHash.ts", "return Effect.interruptible(more)\n  }", "return Effect.void\n  }"]
  ],
  [
    "a mirror with another version brings segments",
    [partial, "isMirror && this.hasDigest ? undefined", "isMirror ? undefined"]
  ],
  [
    "a mirror with another size brings segments",
    [
      check,
      "(partial.totalBytes ?? totalBytes) !== totalBytes",
      "!isMirror && (partial.totalBytes ?? totalBytes) !== totalBytes"
    ],
    [check, "range.endBytes >= (totalBytes ?? Number.POSITIVE_INFINITY) ||", ""],
    [partial, "isMirror && this.hasDigest ? undefined", "isMirror ? undefined"]
  ],
  [
    "a mirror is requested with the permit of another origin",
    [
      workers,
      "transfer.governor.tryAcquireIdle(hop.origin,",
      "transfer.governor.tryAcquireIdle(transfer.firstHop.origin,"
    ]
  ],
  [
    "a mirror is requested after it was given up",
    [mirrors, "!isGivenUp && !reachability", "!reachability"],
    [segments, "if (!source.isGivenUp) {", "if (true) {"]
  ],
  ["segments go on with mirrors after a wrong digest", [mirrors, " && Number.isFinite(failedSegments)", ""]],
  [
    "mirrors get the headers of another origin",
    ["engine/precheck.ts", "new Hop(href, 0, own === origin)", "new Hop(href, 0, true)"]
  ],
  [
    "what a mirror has not brought when the URL fails counts as there",
    [
      segments,
      "this.ranges.release(this.body.claim)",
      "this.ranges.add(this.body.claim.startBytes, this.body.claim.endBytes)"
    ]
  ],
  ["the next attempt begins where the part ends", [partial, "hole?.startBytes ?? 0", "this.bytes"]],
  ["the record of a kept part is not read", [openPart, "partial.restore(known)", ""]],
  ["a kept part counts as empty", [openPart, "partial.isKept = true\n      if (known", "if (known"]],
  [
    "a record speaks of bytes that are not there",
    [
      ranges,
      "({ doneBytes, startBytes }) =>\n      doneBytes > startBytes ? [{ startBytes, endBytes: doneBytes }] : []",
      "({ endBytes, startBytes }) => [{ startBytes, endBytes }]"
    ]
  ],
  [
    "the bytes of an earlier run are not in the digest",
    [partial, "    this.content.start()\n    for (const { endBytes", "    for (const { endBytes"]
  ],
  [
    "a part of an unknown version is kept",
    [partial, "this.isResumable && isGuarded && !this.isRangeless", "this.isResumable && !this.isRangeless"]
  ],
  [
    "a part is kept although its file is gone",
    ["engine/resume/keepsContent.ts", "error.status !== 404 && error.status !== 410", "true"]
  ],
  ["no record is written while a body is received", ["engine/resume/checkpoints.ts", "if (!isDue)", "if (true)"]],
  ["a kept part is not told", [partial, "this.hasCheckpoint ? { keptBytes: this.bytes } : {}", "{}"]],
  [
    "a part is continued under the validator of another version",
    [request, "validator === undefined ? undefined", "true ? undefined"],
    [
      check,
      "validator !== undefined && !Validator.matches(validator, headers)",
      "partial.openedBytes === 0 && validator !== undefined && !Validator.matches(validator, headers)"
    ]
  ],
  [
    "a part that was kept is left when the transfer starts over",
    [
      partial,
      'andThen(part?.close("discard") ?? Exit.void, () =>',
      'andThen(part?.close(this.openedBytes > 0 ? "keep" : "discard") ?? Exit.void, () =>'
    ]
  ]
]
