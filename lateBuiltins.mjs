// Lets a bundle load modules of Node at their first use instead of at the start. Node compiles and evaluates most of them only
// when they are required: `crypto`, `tls` and `child_process` take longer than a request to a server on the same machine.
import { createRequire, isBuiltin } from "node:module"

const require = createRequire(import.meta.url)

/** `early` are the names of modules that every run uses. Code that runs for each chunk should not go through a getter. */
export const lateBuiltins = (early) => ({
  name: "late-builtins",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^[a-z]/ }, ({ namespace, path }) => {
      const name = path.replace(/^node:/, "")
      if (!isBuiltin(name)) {
        return undefined
      }
      return namespace === "late-builtins" || early.includes(name)
        ? { path: `node:${name}`, external: true }
        : { path: name, namespace: "late-builtins" }
    })
    onLoad({ filter: /.*/, namespace: "late-builtins" }, ({ path }) => ({
      contents: `const late = { load: () => require("node:${path}") }
const from = (name) => ({ enumerable: true, get: () => late.load()[name] })
module.exports = Object.defineProperties({}, Object.fromEntries(${JSON.stringify(Object.keys(require(`node:${path}`)))}.map((name) => [name, from(name)])))`
    }))
  }
})
