// Every benchmark by its name, in the order in which they run.
import { B1, B2, B3, B4, B5 } from "./benchmarks/contests.mjs"
import { connections, files } from "./benchmarks/growth.mjs"
import { B8, B9 } from "./benchmarks/library.mjs"
import { B7 } from "./benchmarks/list.mjs"
import { kills, rerun } from "./benchmarks/lives.mjs"
import { profile } from "./benchmarks/profile.mjs"
import { B6, start } from "./benchmarks/startup.mjs"

export const benchmarks = { B1, B2, B3, B4, B5, B6, B7, B8, B9, start, files, connections, rerun, kills, profile }
