// Why a target is missed, and what was tried. The results show this under a table as long as one of its targets is missed.
// The section `profile` of the results says where the process spends its time.

const compiling = "V8 compiles the program during the first ten thousand files"

const calls =
  "A file takes seven calls on the file system (a check of the name, open, write, the time, a link, a removal, close) and two on a socket, and two syncs if the file system is on a disk. curl makes three and two, because it writes under the final name and syncs nothing."

const profile =
  "Of the time of a later file of a long run, system calls take 45 %, the collection of garbage 9 %, Effect's runtime 8 % and the state file 5 %. The rest are some hundred functions with less than 1 % each."

const smallFiles = [
  "An attempt that the transport drives by calls, behind one `Effect.async`: 0.60 × the CPU time of the command.",
  "One write to standard output for each turn of the event loop: 1,213 calls instead of 2,166 for 1,000 files, and no difference in time.",
  "Outcomes and events without the constructors of their schemas: 1.3 µs less for each.",
  "A young generation that does not grow: 0.64 × the memory, and up to 10 % more CPU time. One of 16 MiB: 0.99 × the CPU time, and 25 MB more memory. Left out.",
  "No syncs in memory, and arrays that small bodies use again: 0.90 × the CPU time of 40,000 files.",
  "Worker threads: no gain on two processors that the server shares.",
  "V8 that optimizes a function after half of the usual work (`--interrupt-budget`, Node 20 only): 0.91 to 0.95 × the time and 0.94 to 0.97 × the CPU time, and up to 8 % more CPU time of a start. Node 22 and 24 have no such flag, and their call counts gave no gain at 30,000 files. Left out.",
  "A line of the state file within 10 ms instead of 2: 0.96 × the CPU time, and more lines lost by `kill -9`. Left out."
]

const largeFile = [
  "One receive buffer of 512 KiB for the whole body: the memory does not grow with the file.",
  "Loading web sockets only if they are needed, and undici never.",
  "A heap that does not grow: 0.64 × the memory of 10,000 files, and no difference for one file."
]

const farAway = [
  "Continuing at most four responses in a turn, so that requests are sent before files are written: 0.83 × the time.",
  "Not loading undici: 0.76 × the time of one file.",
  "Ending the process without Node's own clean-up: 4 %, which is within the noise. Left out."
]

/** By the name of the benchmark. */
export const limits = {
  B1: {
    limit: `${calls} ${compiling}. Of the CPU time of 10,000 files, 30 % is that of V8's threads, which compile and collect garbage. The memory is that of B7.`,
    tried: smallFiles
  },
  "B1-tls": {
    limit: "As in B1, and Node decrypts each response on the thread of the program.",
    tried: smallFiles
  },
  options: {
    limit:
      "`--json` writes three lines (770 bytes) for each file. `JSON.stringify` takes 1.3 µs for a line. `--report` keeps two rows for each file and writes a page of 1.2 MB. V8 compiles the code of both options during the run, and this takes as long as running it.",
    tried: [
      "Lines written by hand, as text and as bytes: no faster than `JSON.stringify`.",
      "For `--report` (1.13 × in this series of 7 pairs): tables that receive nothing, 1.07 ×. No events at all and an empty page, 1.05 ×: the rest is the measuring of each request, and the page itself.",
      "Requests that are measured only if something shows them.",
      "Tables of numbers instead of objects, and one masked URL for the lines of a file.",
      "The events of ended transfers freed at once, and columns copied once: `--report` 1.07 instead of 1.08 × the CPU time of 10,000 files, and 1.06 instead of 1.13 × that of 30,000."
    ]
  },
  disk: {
    limit:
      "The disk has to write each file before its outcome is announced. One `sync -f` covers up to 256 files, and waits for everything else that was written to the file system. Meanwhile 100 to 190 files wait, each with 15 KB of fibers and buffers, which outlive the young generation: the collection of garbage takes four times as long as with `rename`.",
    tried: [
      "A sync of each file in the thread pool: 2.0 × the CPU time of `rename`. One sync of the file system for many files, by a shell that lives as long as the run: 1.75 ×.",
      "One continuation of the fiber of a file instead of two, and workers that are kept for the next file that waits: 0.87 × the CPU time of the default.",
      "A young generation of 8 MiB: 0.90 ×, for 10 MB; of 16 MiB: 0.87 ×, for 24 MB. Left out."
    ]
  },
  B2: {
    limit: `${calls} ${profile}`,
    tried: [
      ...smallFiles,
      "Requests ahead (`--pipeline`): the row of `--pipeline 8` in `options` has its rate. It is off by default."
    ]
  },
  limits: {
    limit:
      "The bare loop makes four calls on files and has no names to check, no times to set, no syncs, no deadlines and no events. The program also starts, which takes longer than the loop needs for 1,000 files.",
    tried: smallFiles
  },
  B3: {
    limit:
      "The start takes 0.17 s of 0.96 s, and writes take 39 % of the rest. Node alone takes 40 MiB. The program with its code cache takes 25 to 30 MiB more before the first byte. A run for a file of 6 bytes takes 73 MiB.",
    tried: largeFile
  },
  "B3-tls": {
    limit:
      "Node decrypts the body on the thread of the program, which also writes it. The memory is that of B3, and that of Node's TLS.",
    tried: [...largeFile, "Small chunks collected into blocks of 64 KiB before they are written."]
  },
  B4: {
    limit: "The start: 0.1 s until the first request. The transfer itself is as fast as that of the other programs.",
    tried: [
      "Measuring the rate after 33 ms instead of 100 ms if 64 MiB or more are left.",
      "Taking over half of the largest range, and at the end all of a silent one: no connection is idle before the end.",
      "Measuring by a timer and not when a chunk arrives: a server that limits a connection sends 2 MiB at once, and then nothing for 250 ms.",
      "Dividing the file before its rate is known: left out. It would gain 30 ms of 4 s, and would open useless connections on every fast link."
    ]
  },
  B5: {
    limit: `There are 16 waves of 64 files. The first two or three waves run code that is not compiled yet, and take 0.3 to 0.5 ms for each file. \`get\` of one file takes 132 ms longer than \`node -e 0\`.`,
    tried: farAway
  },
  "B5-tls": {
    limit: "As in B5, and 64 handshakes of TLS in the first wave, on the thread of the program.",
    tried: farAway
  },
  B6: {
    limit:
      "20 files take 0.1 s of code that runs for the first time: Node's HTTP server (the origin is in the same process), Effect and halyard. Node and the loading of the program take 70 ms.",
    tried: [
      "Not loading undici, and web sockets only if they are needed: 0.83 × the time of `flags`.",
      "A code cache for each command, and modules that are evaluated at their first use: 165 ms instead of 245 ms for one file.",
      "Loading the text of the help only to print it."
    ]
  },
  B7: {
    limit:
      "In an earlier run of 10,000 URLs with 75 MiB, 38 MiB were pages of the `node` binary, 32 MiB the heap of V8, and 5 MiB memory of Node. Of the heap, 13 MiB were the program itself. A run takes 87 MiB now.",
    tried: [
      "A list and a journal that are read as they are needed, and not kept in memory.",
      "Loading web sockets only if they are needed, and undici never.",
      "A young generation that does not grow: 0.64 × the memory, and up to 10 % more CPU time."
    ]
  },
  start: {
    limit:
      "Reading 2 MB of code takes 15 ms, and V8 makes 325 modules of it. Nearly all code of a run with one file runs for the first time, in V8's interpreter: the layers of the services, the command line, and the steps of the file.",
    tried: [
      "The code in the cache directory of each user, and that of `get` in the package: half the time of the first run.",
      "CommonJS instead of an ES module for the first file: 6 ms.",
      "Modules of Node that are loaded at their first use (`crypto`, `tls`, `http`, `child_process`): 60 ms of the first `flags`.",
      "Short names in the bundle: 6 ms. Coders of schemas that are built at their first use: 2 ms. No regular expression for IPv6 without a colon: 4 ms.",
      "A young generation that grows to 4 MiB while the program is loaded: 5 ms for 7 MB of memory on Node 24. Left out.",
      "A young generation that grows after 32 collections, so that a short run fetches less new memory from the system: 0.78 × the time of `flags`, 0.96 × that of `get`. Modules of Node that are loaded before V8 has its flags: 0.97 × the time of `get`."
    ]
  },
  B8: {
    limit: `${compiling}, and the engine is much more code than the loop. In an earlier measurement on a faster machine, the difference was 34 µs for each of 10,000 files, and 24 µs for each of 40,000.`,
    tried: [
      "Calls from the permit to the published file behind one `Effect.async`: 21 operations of Effect's runtime for a file instead of 121, and 1.2 wake-ups instead of 2.0.",
      "Emitting outcomes once a millisecond: one wake-up for many files.",
      "Arrays instead of sets for the transfers in flight: the old tables of a set keep whole transfers from the young collector (3 MB instead of 0.75 MB survive each time).",
      "Outcomes and events without the constructors of their schemas: 1.3 µs less for each.",
      "Not parsing URLs that are in normal form, and reusing the header lines of the last request if the headers are the same object."
    ]
  },
  B9: {
    limit:
      "The policies compute a SHA-256 of each file, and send events for each step to a listener. What each of them takes was not measured.",
    tried: [
      "One timer for the limits of all attempts.",
      "Outcomes and events without the constructors of their schemas: 1.3 µs less for each.",
      "Events only if something listens."
    ]
  }
}
