// Reads what `node --cpu-prof` writes: where the time of a process went, by the place of the code and by function.

const areas = [
  ["Effect", /\/node_modules\/effect\//],
  ["Effect's platform packages", /\/node_modules\/@effect\//],
  ["undici", /\/node_modules\/undici\//],
  ["halyard: connections", /\/dist\/(Node\/Transport|Transport)/],
  ["halyard: files", /\/dist\/(Store|Node\/Store)/],
  ["halyard: command line", /\/dist\/(Cli|Node)/],
  ["halyard: engine", /\/dist\//],
  ["node: sockets and streams", /^node:(net|internal\/(streams|stream_base|net|tls)|stream|events|tls)/],
  ["node: files", /^node:(fs|internal\/fs)/],
  ["node: loading of modules", /^node:internal\/(modules|vm|bootstrap|main|process\/esm)|^node:vm/],
  ["node: other", /^node:/]
]

// Functions of node itself that are no JavaScript, by what they are there for.
const native = [
  [
    "calls on files",
    /^(open|close|rename|link|unlink|lstat|stat|fsync|ftruncate|writeBuffer|writeBuffers|read|mkdir)$/
  ],
  [
    "calls on sockets",
    /^(writeUtf8String|writeLatin1String|writeAsciiString|writev|readStart|readStop|connect|shutdown|useUserBuffer)$/
  ],
  [
    "compiling",
    /^(compileFunction|compileFunctionForCJSLoader|compileSourceTextModule|ContextifyScript|internalModuleStat)$/
  ]
]

const areaOf = ({ functionName, url }) => {
  if (url === "") {
    if (functionName === "(garbage collector)") {
      return "garbage collection"
    }
    if (functionName === "(idle)") {
      return "idle"
    }
    return (
      native.find(([, pattern]) => pattern.test(functionName))?.[0] ?? "native code (event loop, sockets, compiling)"
    )
  }
  return areas.find(([, pattern]) => pattern.test(url))?.[0] ?? "other"
}

const shortUrl = (url) => url.replace(/^.*\/node_modules\//, "").replace(/^.*\/dist\//, "dist/")

const sorted = (totals) => [...totals].sort(([, a], [, b]) => b - a)

/** Milliseconds by area and by function, largest first, without idle time. */
export const read = (profile) => {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]))
  const [byArea, byFunction] = [new Map(), new Map()]
  const add = (totals, key, millis) => totals.set(key, (totals.get(key) ?? 0) + millis)
  let busyMillis = 0
  let idleMillis = 0
  profile.samples.forEach((id, index) => {
    const millis = (profile.timeDeltas[index] ?? 0) / 1000
    const frame = nodes.get(id)
    const area = areaOf(frame)
    if (area === "idle") {
      idleMillis += millis
      return
    }
    busyMillis += millis
    add(byArea, area, millis)
    add(byFunction, `${frame.functionName || "(anonymous)"} ${shortUrl(frame.url)}`.trim(), millis)
  })
  return { busyMillis, idleMillis, areas: sorted(byArea), functions: sorted(byFunction) }
}
