// Every benchmark by its name, in the order in which they run.
import { B1, B1slow, B1tls, B2, B3, B3tls, B4, B5, B5tls } from "./benchmarks/contests.mjs"
import { connections, files } from "./benchmarks/growth.mjs"
import { B8, B9 } from "./benchmarks/library.mjs"
import { B7 } from "./benchmarks/list.mjs"
import { kills, rerun } from "./benchmarks/lives.mjs"
import { limits } from "./benchmarks/nodeLimit.mjs"
import { disk, options } from "./benchmarks/options.mjs"
import { profile } from "./benchmarks/profile.mjs"
import { B6, start } from "./benchmarks/startup.mjs"

export const benchmarks = {
  B1,
  "B1-tls": B1tls,
  options,
  disk,
  B2,
  limits,
  B3,
  "B3-tls": B3tls,
  B4,
  B5,
  "B5-tls": B5tls,
  B7,
  start,
  B6,
  B8,
  B9,
  "B1-slow": B1slow,
  connections,
  files,
  rerun,
  kills,
  profile
}
