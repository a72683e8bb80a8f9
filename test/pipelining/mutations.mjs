// Bugs of pipelining, planted one at a time as those of the simulation. The seeds of simulate.ts have to find every one of them.

const http1 = "Node/Transport/http1/"
const pipeline = `${http1}pipelining/pipeline.ts`
const depth = `${http1}pipelineDepth.ts`
const pipelines = `${http1}pipelining/pipelines.ts`
const exchange = `${http1}pipelining/pipelinedExchange.ts`

export const mutations = [
  [
    "bytes after the last response are ignored",
    [pipeline, `found === "out of step" || this.startBytes < this.sizeBytes`, `found === "out of step"`]
  ],
  [
    "bytes before the requests are sent are read as their responses",
    [pipeline, "if (!this.isSent || this.isReceived) {", "if (this.isReceived) {"]
  ],
  [
    "responses are delivered before the event loop has polled once more",
    [pipeline, "    this.owner.onReceived()\n", "    this.deliver()\n    this.owner.onReceived()\n"]
  ],
  [
    "bytes after a response that are no head are left to the next exchange",
    [pipeline, `this.responses.length > 0 ? "out of step" : "other"`, `"other"`]
  ],
  [
    "a response in chunks does not end the pipeline",
    [pipeline, `(verdict === "small" || verdict === "other")`, `(verdict !== "large")`]
  ],
  ["the requests behind an odd response are forgotten", [pipeline, "    sendAgain(behind)\n", ""]],
  ["the requests that are lost with their connection are forgotten", [pipeline, "    sendAgain(lost)\n", ""]],
  [
    "the requests that are lost with their connection fail",
    [
      exchange,
      "      this.client.connect(this, false)\n",
      `      this.fail(Object.assign(new Error("lost"), { code: "ECONNRESET" }))\n`
    ]
  ],
  ["none is sent again when the responses are out of step", [pipeline, "    sendAgain(exchanges)\n", ""]],
  [
    "an early end leaves the depth as it is",
    [pipeline, "      return\n    }\n    this.depth.refuse()\n", "      return\n    }\n"]
  ],
  [
    "responses out of step leave the depth as it is",
    [pipeline, "    this.depth.refuse()\n    this.end()\n", "    this.end()\n"]
  ],
  [
    "a connection is used again although responses to other requests follow",
    [pipeline, "      connection.cut()\n", ""]
  ],
  [
    "the response to a closed request is given to the next one",
    [
      pipeline,
      "    if (!this.isSent) {\n      exchanges.splice",
      "    if (!this.isSent || exchanges.length > 0) {\n      exchanges.splice"
    ]
  ],
  ["memory is used again while a body is paused", [pipeline, "      isFree &&= isRead\n", ""]],
  ["nothing is given up when a response does not come", [pipeline, "length !== this.seen", "length !== -2"]],
  ["new connections have a depth", [depth, "served < provenAfterResponses", "served < 0"]],
  ["origins need no proof", [depth, "const responsesPerStep = 16", "const responsesPerStep = 1"]],
  [
    "a flaw sets the depth to 1 for a while only",
    [depth, "    this.neededPerStep = Number.POSITIVE_INFINITY\n", "    this.neededPerStep = 16\n"]
  ],
  ["an error of the server is no flaw", [depth, "status >= 500", "status >= 600"]],
  ["a response of HTTP/1.0 is no flaw", [depth, "!isHttp11 || ", ""]],
  [
    "requests that were sent before are sent together again",
    [exchange, "return !this.isSentAgain && !this.isRepeated", "return !this.isRepeated"]
  ],
  [
    "any request may be sent together with others",
    [
      `${http1}client.ts`,
      "this.pipelines !== undefined && request.mayPipeline === true &&",
      "this.pipelines !== undefined &&"
    ]
  ],
  [
    "a request waits no more while others are before it",
    [exchange, "    this.hold(false)\n    const body", "    const body"]
  ],
  [
    "requests of a pipeline are added after it was sent",
    [pipelines, "      this.last.clear()\n", ""],
    [pipeline, "!this.isSent && !this.isOver", "!this.isOver"]
  ]
]
