// Which file may import which. The order is that of ARCHITECTURE.md: a file imports what stands to the left of it.
//
//   internal · values → ports → services → adapters → Cli → Node, bin

const values = "^src/(Download|DownloadError|DownloadEvent|Flags|RetryPolicy)[.]ts$"
const ports = "^src/(Transport|Store|Progress|Journal|Hasher|OriginGovernor|Screen)[.]ts$"
const services = "^src/(Downloader|FlagServer|Spinner|StatusLine|Supervisor)[.]ts$"
const adapters = "^src/((Transport|Store|Journal)/|Platform[.]ts$)"
const cli = "^src/Cli([.]ts$|/)"
const edge = "^src/(Node([.]ts$|/)|bin[.]ts$)"
const barrel = "^src/index[.]ts$"

const noFurtherThan = (name, from, ...forbidden) => ({
  name,
  severity: "error",
  from: { path: from },
  to: { path: [...forbidden, barrel] }
})

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "no-orphans", severity: "error", from: { orphan: true, pathNot: [barrel, "^src/bin[.]ts$"] }, to: {} },
    noFurtherThan("values-are-values", values, ports, services, adapters, cli, edge),
    noFurtherThan("ports-stand-on-values", ports, services, adapters, cli, edge),
    noFurtherThan("services-stand-on-ports", services, adapters, cli, edge),
    noFurtherThan("adapters-know-no-command-line", adapters, cli, edge),
    noFurtherThan("command-line-knows-no-node", cli, edge),
    noFurtherThan("internal-is-beneath", "^src/internal/", services, adapters, cli, edge),
    {
      name: "node-only-at-the-edge",
      severity: "error",
      from: { path: "^src/", pathNot: edge },
      to: { path: ["^node:", "@effect/platform-node"], dependencyTypesNot: ["type-only"] }
    },
    {
      name: "node-builtins-only-at-the-edge",
      severity: "error",
      from: { path: "^src/", pathNot: edge },
      to: { dependencyTypes: ["core"] }
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
