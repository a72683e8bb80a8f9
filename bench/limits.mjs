// Where a target is missed: what stands in the way, and what was tried. Shown under the table as long as one is missed.
// Where the time of the process goes is in the section `profile` of the results.

const young =
  "the first ten thousand files are those in which V8 still compiles what they need: by the library a file takes 86 µs of CPU in the first ten thousand, and 54 in the three after"

/** By the name of the benchmark. */
export const limits = {
  B1: {
    limit: `a file is six calls on the file system and two on a socket where curl makes three and two, because it is written under another name, linked and that name removed; the calls alone are about 50 µs of CPU, and curl's whole file is 40. And ${young}.`,
    tried: [
      "a small transfer as calls behind one `Effect.async` (`engine/quick`): CPU 0.60 × what it was, by the command line",
      "standard output in one write a turn: 1,213 in place of 2,166 calls for 1,000 files, no difference in time",
      "outcomes and events without the constructors of their schemas: 1.3 µs each",
      "a young generation that does not grow: 0.64 × the memory, for up to a tenth of the CPU",
      "looking, linking and unlinking (15 µs a file) in place of renaming over (8 µs) cannot be spared: no other way leaves alone what stands there"
    ]
  },
  B2: {
    limit:
      "as in B1, without the compiling: about 50 µs of calls, 10 of garbage collection and 20 of everything else. The one way known to fewer calls is pipelining, which many servers do not bear; it is not built.",
    tried: ["as in B1; each gains a smaller part here"]
  },
  B3: {
    limit:
      "node by itself takes 40 MiB, and the program with the code that is kept of it 25 to 30 more before its first byte; a file of 6 bytes takes 73.",
    tried: [
      "one receive buffer of 512 KiB for all of a body: nothing grows with the file",
      "web sockets are loaded only if they are needed, and undici never",
      "a heap that does not grow: 0.64 × for ten thousand files, nothing for one, which makes no garbage"
    ]
  },
  B4: {
    limit:
      "the start: 3.96 s are node, the program (0.1 s until the first request) and a transfer that is as fast as theirs.",
    tried: [
      "looking at the rate after 33 ms in place of 100, where 64 MiB or more are left",
      "taking over half of what is largest, and in the end all of what is silent: no connection rests before the end",
      "judging by a timer, and not when a chunk comes: a server that limits gives 2 MiB at once and then nothing for 250 ms",
      "dividing at once, unmeasured: left out, it would cost every fast link connections for nothing, and could gain 30 ms of 4 s"
    ]
  },
  B5: {
    limit: `16 waves of 64 files, and what the first two or three take that run in code which is not compiled yet (0.3 to 0.5 ms a file; ${young}); and the start of \`get\`, 70 ms over node.`,
    tried: [
      "carrying on at most four responses a turn, so that requests go out before files are written: 0.83 × the time",
      "not loading undici: 0.76 × the time of a file by itself",
      "ending the process without node's own clearing up: 4 %, within the noise, left out"
    ]
  },
  B6: {
    limit:
      "20 files are 0.1 s of code that runs for the first time, in node's own modules for serving (the origin is in the same process), in Effect's and in ours; 70 ms are node and the loading of the program.",
    tried: [
      "not loading undici, and web sockets only for what needs them: 0.83 × the time of `flags`",
      "the code that V8 made, kept for each command, and modules that are evaluated when they are first used: 232 to 80 ms for one file",
      "the text of the help is loaded only to print it"
    ]
  },
  B8: {
    limit: `${young}, and the engine is more code than the loop. From the second ten thousand on the difference is about 20 µs (40,000 files take 62 µs each, the loop 38; 10,000 take 86 and 52).`,
    tried: [
      "calls from the permit to the published file behind one `Effect.async`: 121 to 21 operations of Effect's runtime a file, 2.0 to 1.2 wake-ups",
      "telling outcomes once a millisecond: a wake-up for many files",
      "arrays in place of sets for what is under way: old tables of a set keep whole transfers from the young collector (3 to 0.75 MB that survive each time)",
      "outcomes and events without the constructors of their schemas: 1.3 µs each",
      "URLs that stand as they would be written are not parsed, heads of requests are written once"
    ]
  }
}
