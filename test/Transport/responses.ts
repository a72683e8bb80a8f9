/**
 * The kinds of responses that the HTTP/1.1 reader accepts, refuses, or finds broken, as bytes.
 */

export const ok = "HTTP/1.1 200 OK\r\n"
export const five = "Content-Length: 5\r\n"
export const hello = `${ok}${five}\r\nhello`
export const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`

/** Chunks of so many bytes, after a head. */
export const inChunks = (text: string, bytes: number): string => {
  let made = ""
  for (let at = 0; at < text.length; at += bytes) {
    const chunk = text.slice(at, at + bytes)
    made += `${chunk.length.toString(16)}\r\n${chunk}\r\n`
  }
  return `${chunked}${made}0\r\n\r\n`
}

const long = (bytes: number) => `X: ${"x".repeat(1000)}\r\n`.repeat(bytes / 1005)
const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

/**
 * Whether the connection is used for the next request: `kept`, `closed` after this response, or `ended` by the server, which ends it
 * after the bytes.
 */
type Connection = "kept" | "closed" | "ended"

export interface Accepted {
  readonly kind: string
  readonly bytes: string
  readonly connection: Connection
  /** Default 200. */
  readonly status?: number
  /** Default `hello`. */
  readonly body?: string
}

export const accepted: ReadonlyArray<Accepted> = [
  { kind: "a length", bytes: hello, connection: "kept" },
  { kind: "the length 0", bytes: `${ok}Content-Length: 0\r\n\r\n`, connection: "kept", body: "" },
  { kind: "a length with zeros before it", bytes: `${ok}Content-Length: 0005\r\n\r\nhello`, connection: "kept" },
  { kind: "blanks around a value", bytes: `${ok}Content-Length: \t 5 \t\r\n\r\nhello`, connection: "kept" },
  { kind: "no blank after the colon", bytes: `${ok}Content-Length:5\r\n\r\nhello`, connection: "kept" },
  { kind: "an empty value", bytes: `${ok}X:\r\n${five}\r\nhello`, connection: "kept" },
  { kind: "a value outside of ASCII", bytes: `${ok}X: caf\u00e9\r\n${five}\r\nhello`, connection: "kept" },
  { kind: "a repeated field", bytes: `${ok}X: a\r\nX: b\r\n${five}\r\nhello`, connection: "kept" },
  { kind: "no reason phrase", bytes: `HTTP/1.1 200 \r\n${five}\r\nhello`, connection: "kept" },
  { kind: "no blank before a missing reason phrase", bytes: `HTTP/1.1 200\r\n${five}\r\nhello`, connection: "kept" },
  { kind: "an unknown status", bytes: `HTTP/1.1 777 x\r\n${five}\r\nhello`, connection: "kept", status: 777 },
  { kind: "the status 204", bytes: "HTTP/1.1 204 No Content\r\n\r\n", connection: "kept", status: 204, body: "" },
  {
    kind: "the status 204 with a length",
    bytes: `HTTP/1.1 204 No Content\r\n${five}\r\n`,
    connection: "closed",
    status: 204,
    body: ""
  },
  {
    kind: "the status 304 with a length",
    bytes: `HTTP/1.1 304 Not Modified\r\n${five}\r\n`,
    connection: "kept",
    status: 304,
    body: ""
  },
  { kind: "a list of Connection options", bytes: `${ok}Connection: x, y\r\n${five}\r\nhello`, connection: "kept" },
  {
    kind: "a repeated Connection field",
    bytes: `${ok}Connection: x\r\nConnection: y , z\r\n${five}\r\nhello`,
    connection: "kept"
  },
  {
    kind: "close in a list of Connection options",
    bytes: `${ok}Connection: keep-alive, Close\r\n${five}\r\nhello`,
    connection: "closed"
  },
  {
    kind: "close in a repeated Connection field",
    bytes: `${ok}Connection: x\r\nConnection: close\r\n${five}\r\nhello`,
    connection: "closed"
  },
  {
    kind: "an offer to upgrade, as Apache sends it",
    bytes: `${ok}Upgrade: h2,h2c\r\nConnection: Upgrade, Keep-Alive\r\nKeep-Alive: timeout=5, max=100\r\n${five}\r\nhello`,
    connection: "kept"
  },
  {
    kind: "an offer to upgrade, with chunks",
    bytes: `${ok}Upgrade: websocket\r\nConnection: upgrade\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    connection: "kept"
  },
  { kind: "a folded line", bytes: `${ok}X: a\r\n b\r\n\tc\r\n${five}\r\nhello`, connection: "kept" },
  {
    kind: "a folded Connection field",
    bytes: `${ok}Connection: x,\r\n close\r\n${five}\r\nhello`,
    connection: "closed"
  },
  { kind: "lines that end with LF alone", bytes: "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", connection: "kept" },
  { kind: "one line that ends with LF alone", bytes: `${ok}X: a\n${five}\r\nhello`, connection: "kept" },
  { kind: "the same length in two fields", bytes: `${ok}${five}${five}\r\nhello`, connection: "kept" },
  { kind: "the same length in a list", bytes: `${ok}Content-Length: 5, 5\r\n\r\nhello`, connection: "kept" },
  { kind: "a head of 250 KB", bytes: `${ok}${long(250_000)}${five}\r\nhello`, connection: "kept" },
  {
    kind: "heads of 250 KB together",
    bytes: `${`HTTP/1.1 103 x\r\n${long(80_000)}\r\n`.repeat(3)}${hello}`,
    connection: "kept"
  },
  { kind: "a 100 before the head", bytes: `HTTP/1.1 100 Continue\r\n\r\n${hello}`, connection: "kept" },
  {
    kind: "a 102 of HTTP/1.0 before the head",
    bytes: `HTTP/1.0 102 Processing\r\n\r\n${hello}`,
    connection: "kept"
  },
  { kind: "twenty 103 before the head", bytes: `${hints.repeat(20)}${hello}`, connection: "kept" },
  { kind: "a 103 before chunks", bytes: `${hints}${inChunks("hello", 2)}`, connection: "kept" },
  {
    kind: "a 103 with the length 0",
    bytes: `HTTP/1.1 103 x\r\nContent-Length: 0\r\n\r\n${hello}`,
    connection: "kept"
  },
  {
    kind: "a 103 that says close",
    bytes: `HTTP/1.1 103 x\r\nConnection: close\r\n\r\n${hello}`,
    connection: "kept"
  },
  { kind: "HTTP/1.0", bytes: `HTTP/1.0 200 OK\r\n${five}\r\nhello`, connection: "closed" },
  {
    kind: "HTTP/1.0 with keep-alive",
    bytes: `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n${five}\r\nhello`,
    connection: "kept"
  },
  { kind: "HTTP/1.2", bytes: `HTTP/1.2 200 OK\r\n${five}\r\nhello`, connection: "kept" },
  { kind: "chunks", bytes: inChunks("hello", 2), connection: "kept" },
  {
    kind: "chunked in another case, with blanks around it",
    bytes: `${ok}TRANSFER-ENCODING: \tChunked \r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    connection: "kept"
  },
  {
    kind: "sizes with zeros, in any case",
    bytes: `${chunked}00A\r\nhellohello\r\n00\r\n\r\n`,
    connection: "kept",
    body: "hellohello"
  },
  { kind: "chunk extensions", bytes: `${chunked}5;a;b=c;d="e;\\"f"\r\nhello\r\n0;z\r\n\r\n`, connection: "kept" },
  {
    kind: "blanks before chunk extensions and after sizes",
    bytes: `${chunked}5 ; a = b\r\nhello\r\n0 \t\r\n\r\n`,
    connection: "kept"
  },
  // Trailers may be meant for a proxy that keeps the connection.
  { kind: "trailers", bytes: `${chunked}5\r\nhello\r\n0\r\nX: a\r\n\r\n`, connection: "closed" },
  { kind: "folded trailers", bytes: `${chunked}5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n`, connection: "closed" },
  { kind: "a body that ends with its connection", bytes: `${ok}\r\nhello`, connection: "ended" },
  { kind: "an empty body that ends with its connection", bytes: `${ok}\r\n`, connection: "ended", body: "" },
  {
    kind: "a body of HTTP/1.0 that ends with its connection",
    bytes: "HTTP/1.0 200 OK\r\n\r\nhello",
    connection: "ended"
  },
  { kind: "bytes after the body", bytes: `${hello}${hello}`, connection: "closed" },
  { kind: "bytes after the last chunk", bytes: `${inChunks("hello", 5)}${hello}`, connection: "closed" }
]

type Kinds = ReadonlyArray<readonly [kind: string, bytes: string]>

/** Refused as soon as the bytes cannot be the beginning of a head. */
export const refusedHeads: Kinds = [
  ["different lengths", `${ok}${five}Content-Length: 6\r\n\r\nhello`],
  ["different lengths in a list", `${ok}Content-Length: 5, 6\r\n\r\nhello`],
  ["a list of lengths with an empty element", `${ok}Content-Length: 5,\r\n\r\nhello`],
  ["a negative length", `${ok}Content-Length: -5\r\n\r\nhello`],
  ["a length with a sign", `${ok}Content-Length: +5\r\n\r\nhello`],
  ["a hexadecimal length", `${ok}Content-Length: 0x5\r\n\r\nhello`],
  ["an empty length", `${ok}Content-Length:\r\n\r\nhello`],
  ["a folded length", `${ok}Content-Length: 5\r\n 5\r\n\r\nhello`],
  ["a length that is no safe integer", `${ok}Content-Length: 9007199254740993\r\n\r\nhello`],
  ["a length before Transfer-Encoding", `${ok}${five}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["a length after Transfer-Encoding", `${ok}Transfer-Encoding: chunked\r\n${five}\r\n0\r\n\r\n`],
  ["the coding gzip", `${ok}Transfer-Encoding: gzip\r\n\r\nhello`],
  ["the coding identity", `${ok}Transfer-Encoding: identity\r\n\r\nhello`],
  ["the codings gzip, chunked", `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ["the codings chunked, gzip", `${ok}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`],
  ["gzip and chunked in two fields", `${ok}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["chunked in two fields", `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["chunked in quotes", `${ok}Transfer-Encoding: "chunked"\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  ["chunked with a parameter", `${ok}Transfer-Encoding: chunked;q=1\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  ["chunked misspelt", `${ok}Transfer-Encoding: chunke\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  ["chunked in a folded line", `${ok}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`],
  ["an empty coding", `${ok}Transfer-Encoding:\r\n\r\nhello`],
  ["chunked in HTTP/1.0", `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["different entity tags", `${ok}${five}ETag: "1"\r\nX: a\r\netag: "2"\r\n\r\nhello`],
  ["different ranges", `${ok}${five}Content-Range: bytes 0-4/9\r\nContent-Range: bytes 3-7/9\r\n\r\nhello`],
  ["a 103 with chunks", "HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["a 103 with a length", `HTTP/1.1 103 x\r\n${five}\r\n`],
  ["the status 101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"],
  ["no status line", "NOT HTTP AT ALL\r\n\r\n"],
  ["the protocol ICY", `ICY 200 OK\r\n${five}\r\nhello`],
  ["HTTP/2.0", `HTTP/2.0 200 OK\r\n${five}\r\nhello`],
  ["HTTP/1.10", `HTTP/1.10 200 OK\r\n${five}\r\nhello`],
  ["a status below 100", `HTTP/1.1 099 x\r\n${five}\r\nhello`],
  ["a status of two digits", `HTTP/1.1 20 OK\r\n${five}\r\nhello`],
  ["a status of four digits", `HTTP/1.1 2000 OK\r\n${five}\r\nhello`],
  ["two blanks before the status", `HTTP/1.1  200 OK\r\n${five}\r\nhello`],
  ["an empty line before the status line", `\r\n${hello}`],
  ["LF before the status line", `\n${hello}`],
  ["a blank before the first field", `${ok} X: a\r\n${five}\r\nhello`],
  ["a blank before the colon", `${ok}X : a\r\n${five}\r\nhello`],
  ["a blank in a name", `${ok}X Y: a\r\n${five}\r\nhello`],
  ["a name outside of ASCII", `${ok}X\u00e9: a\r\n${five}\r\nhello`],
  ["no name", `${ok}: a\r\n${five}\r\nhello`],
  ["no colon", `${ok}X\r\n${five}\r\nhello`],
  ["CR in a value", `${ok}X: a\rb\r\n${five}\r\nhello`],
  ["CR twice at the end of a line", `${ok}X: a\r\r\n${five}\r\nhello`],
  ["NUL in a value", `${ok}X: a\u0000b\r\n${five}\r\nhello`],
  ["ESC in a value", `${ok}X: a\u001bb\r\n${five}\r\nhello`],
  ["DEL in a value", `${ok}X: a\u007fb\r\n${five}\r\nhello`],
  ["a control character in the reason phrase", `HTTP/1.1 200 O\u0001K\r\n${five}\r\nhello`],
  ["a head of 300 KB", `${ok}${long(300_000)}${five}\r\nhello`],
  ["a head of 300 KB without an end", `${ok}X: ${"x".repeat(300_000)}`]
]

/** Refused because of the heads before them. */
export const refusedAfterInformational: Kinds = [
  ["an empty line after a 103", `${hints}\r\n${hello}`],
  ["LF after a 103", `${hints}\n${hello}`],
  ["heads of 300 KB together", `${`HTTP/1.1 103 x\r\n${long(100_000)}\r\n`.repeat(3)}${hello}`],
  ["twenty-one 103", `${hints.repeat(21)}${hello}`]
]

/** The bodies of responses that are refused because of their chunks. */
export const malformedChunks: Kinds = [
  ["no size", "\r\nhello"],
  ["a size that is no number", "x\r\n"],
  ["a negative size", "-5\r\nhello"],
  ["a size with a prefix", "0x5\r\nhello"],
  ["a size with a blank before it", " 5\r\nhello"],
  ["a size with a blank in it", "5 5\r\nhello"],
  ["a size of 17 digits", `${"f".repeat(17)}\r\n`],
  ["a size with zeros without end", "0".repeat(20_000)],
  ["a size that ends with LF alone", "5\nhello"],
  ["a size that ends with CR alone", "5\rhello"],
  ["a chunk that is longer than its size", "5\r\nhello!\r\n"],
  ["a chunk that ends with LF alone", "5\r\nhello\n0\r\n\r\n"],
  ["a chunk that ends with CR alone", "5\r\nhello\r0\r\n\r\n"],
  ["an extension without a name", "5;\r\nhello"],
  ["an extension with a blank in its name", "5;a b\r\nhello"],
  ["an extension with a blank in its value", "5;a=b c\r\nhello"],
  ["an extension with a control character", '5;a="\u007f"\r\nhello'],
  ["an extension with LF", '5;a="\n"\r\nhello'],
  ["an extension with a character after its quotes", '5;a="b"c\r\nhello'],
  ["an extension without end", `5;${"a".repeat(20_000)}`],
  ["a trailer without a colon", "0\r\nX\r\n\r\n"],
  ["a trailer without a name", "0\r\n: a\r\n\r\n"],
  ["a folded line before all trailers", "0\r\n a\r\n\r\n"],
  ["a trailer with a control character", "0\r\nX: \u0001\r\n\r\n"],
  ["a trailer that ends with LF alone", "0\r\nX: a\n\r\n"],
  ["a trailer that is a length", "0\r\nContent-Length: 0\r\n\r\n"],
  ["a trailer that is a coding", "0\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["trailers without end", `0\r\n${"X: a\r\n".repeat(4000)}`],
  ["CR without LF after the last chunk", "0\r\n\rx"]
]

/** Responses that break off: the connection is ended or reset after the bytes. */
export const broken: ReadonlyArray<
  readonly [kind: string, bytes: string, then: "end" | "reset", error: "Connection" | "Truncated"]
> = [
  ["no head", "", "end", "Connection"],
  ["a reset before the head", "", "reset", "Connection"],
  ["a head that ends with its connection", hello.slice(0, 20), "end", "Connection"],
  ["a reset within the head", hello.slice(0, 20), "reset", "Connection"],
  ["an end after a 103", hints, "end", "Connection"],
  ["a body that is shorter than its length", hello.slice(0, -2), "end", "Truncated"],
  ["a reset within a body with a length", hello.slice(0, -2), "reset", "Truncated"],
  ["a reset before a body with a length", `${ok}${five}\r\n`, "reset", "Truncated"],
  ["an end within a chunk", `${chunked}5\r\nhel`, "end", "Truncated"],
  [
    "an end within a chunk on a connection that is not kept",
    `${ok}Connection: close\r\n${chunked.slice(ok.length)}5\r\nhel`,
    "end",
    "Truncated"
  ],
  ["an end after a chunk", `${chunked}5\r\nhello\r\n`, "end", "Truncated"],
  ["an end within the last line", `${chunked}5\r\nhello\r\n0\r\n`, "end", "Truncated"],
  ["a reset after a chunk", `${chunked}5\r\nhello\r\n`, "reset", "Truncated"],
  ["a reset at the end of a body without a length", `${ok}\r\nhello`, "reset", "Truncated"],
  ["a reset in place of a body without a length", `${ok}\r\n`, "reset", "Truncated"]
]
