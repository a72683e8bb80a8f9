// The command line from the modules of dist, which a profile can tell apart; the published program is one file.
import { main } from "../../dist/Node/program/main.js"

main("profiled", new URL("../../dist/bin.cjs", import.meta.url))
