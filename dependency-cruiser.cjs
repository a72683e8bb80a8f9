// Which file may import which. An import points to a room further left:
//
//   internal → values → ports → backends → engine → services → cluster → Cli → Node → bin
//
// A folder beside a module of the same name belongs to that module's room.

const internal = "^src/internal/"
const values =
  "^src/(Credentials|Download|DownloadError|DownloadEvent|EventLine|Flags|Har|Naming|RetryPolicy)([.]ts$|/)"
const ports = "^src/((Transport|Store|Progress|Journal|Hasher|Screen|Cookies)[.]ts$|OriginGovernor([.]ts$|/))"
const backends = "^src/(Cookies|Transport|Store|Journal)/"
const engine = "^src/engine/"
const services =
  "^src/(Downloader|FlagServer|Metrics|Platform|RunRecord|RunView|Spinner|StatusLine|Supervisor|TerminalProgress)([.]ts$|/)"
const cluster = "^src/cluster([.]ts$|/)"
const cli = "^src/Cli([.]ts$|/)"
const node = "^src/Node([.]ts$|/)"
const program = "^src/Node/program/"
const bin = "^src/bin[.]ts$"
const testing = "^src/testing([.]ts$|/)"
const barrel = "^src/index[.]ts$"

const rooms = [internal, values, ports, backends, engine, services, cluster, cli, node, bin]

const order = rooms.map((room, index) => ({
  name: `order-of-rooms-${index}`,
  severity: "error",
  from: { path: room },
  to: { path: [...rooms.slice(index + 1), testing, barrel], pathNot: room }
}))

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "no-orphans", severity: "error", from: { orphan: true, pathNot: [barrel, bin] }, to: {} },
    ...order,
    {
      name: "library-modules-of-node-know-no-command-line",
      severity: "error",
      from: { path: node, pathNot: program },
      to: { path: [cli, program] }
    },
    {
      name: "node-only-at-the-edge",
      severity: "error",
      from: { path: "^src/", pathNot: [node, bin] },
      to: { path: ["^node:", "@effect/platform-node"], dependencyTypesNot: ["type-only"] }
    },
    {
      name: "node-builtins-only-at-the-edge",
      severity: "error",
      from: { path: "^src/", pathNot: [node, bin] },
      to: { dependencyTypes: ["core"] }
    },
    {
      // They are optional peers: only the entry points of batches load them.
      name: "packages-of-batches-only-for-batches",
      severity: "error",
      from: { path: "^src/", pathNot: [cluster, "^src/Node/Cluster[.]ts$"] },
      to: { path: "@effect/(cluster|rpc|sql|sql-pg|sql-libsql|experimental)/", dependencyTypesNot: ["type-only"] }
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } }
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] }
  }
}
