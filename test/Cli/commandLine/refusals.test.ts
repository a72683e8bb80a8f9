/**
 * Command lines that are refused: one sentence on standard error, exit code 2, and nothing is done.
 */
import { describe, it } from "@effect/vitest"
import { refuses } from "../../support/program/commandLine.js"

const url = "https://example.com/a"

describe("a command line", () => {
  it.effect("is refused for an unknown option, with a suggestion", () =>
    refuses([
      [["--versoin"], "halyard: unknown option '--versoin'; did you mean '--version'?"],
      [["--concurency=4"], "halyard: unknown option '--concurency'; did you mean '--concurrency'?"],
      [["-d", "out", "--timout=1", "https://example.com/a"], /unknown option '--timout'; did you mean '--timeout'/],
      [["-K", "https://example.com/a"], "halyard: unknown option '-K'"],
      [["--concurency=4", "get", "x"], /unknown option '--concurency'/],
      [["flags", "--concurency=4"], "halyard flags: unknown option '--concurency'; did you mean '--concurrency'?"],
      [["flags", "BR", "--verbos"], "halyard flags: unknown option '--verbos'; did you mean '--verbose'?"],
      [["flags", "--Verbose"], "halyard flags: unknown option '--Verbose'; did you mean '--verbose'?"],
      [["flags", "-vx"], "halyard flags: unknown option '-x'"],
      [["flags", "--help", "--no-such-thing"], "halyard flags: unknown option '--no-such-thing'"],
      [["spin", "--mesage", "x"], "halyard spin: unknown option '--mesage'; did you mean '--message'?"],
      [["spin", "--block"], "halyard spin: unknown option '--block'; did you mean '--blocking'?"],
      [["serve", "--prot", "3"], "halyard serve: unknown option '--prot'; did you mean '--port'?"],
      [["serve", "0", "--error_rate=1"], "halyard serve: unknown option '--error_rate'; did you mean '--error-rate'?"]
    ])
  )

  it.effect("is refused for an option before its command", () =>
    refuses([
      [["--json", "get", "x"], "halyard get: option '--json' belongs after the command: halyard get --json"],
      [["-c4", "get", "x"], "halyard get: option '-c' belongs after the command: halyard get -c"],
      [
        ["--concurrency=4", "flags"],
        /^halyard flags: option '--concurrency' belongs after the command: halyard flags /
      ],
      [["-d", "x", "get", "y"], /option '-d' belongs after the command: halyard get -d$/m],
      [
        ["--json", "spin"],
        "halyard spin: option '--json' belongs after a command: get, clean, report, flags, config, submit, status"
      ],
      [["--blocking", "get"], "halyard get: option '--blocking' belongs after a command: spin"],
      [["--blocking"], "halyard: option '--blocking' belongs after a command: spin"]
    ])
  )

  it.effect("is refused for an option of curl, wget or aria2, with what get does instead", () =>
    refuses([
      [["get", "-O", "https://example.com/a"], /unknown option '-O'; a file has the name of its URL without an option/],
      [["-L", "https://example.com/a"], "halyard: unknown option '-L'; redirects are followed without an option"],
      [["get", "-j16", "https://example.com/a"], /unknown option '-j'; .* -c N sets how many/],
      [["get", "--retry=3", "https://example.com/a"], /unknown option '--retry'; --retries N sets/],
      ...(
        [
          ["--max-tries=3", /'--max-tries'; --retries N sets/],
          ["-#", /'-#'; a terminal shows the progress/],
          ["-sS", /'-sS'; --quiet prints failures only/],
          ["--http1.1", /'--http1\.1'; HTTP\/1\.1 is used without an option/],
          ["--http2", /'--http2'; HTTP\/1\.1 is used/],
          ["--compressed", /'--compressed'; the file is asked for as it is/],
          ["--write-out=x", /'--write-out'; --json prints the outcome/],
          ["--content-disposition", /'--content-disposition'; -J uses/],
          ["--spider", /'--spider'; --dry-run says/],
          ["--socks5=p:1", /'--socks5'; --proxy socks5:/],
          ["--bind-address=x", /'--bind-address'; --interface ADDRESS/],
          ["--allow-overwrite", /'--allow-overwrite'; --on-exists overwrite/],
          ["--check-certificate=false", /'--check-certificate'; --insecure/],
          ["-F", /'-F'; --data DATA sends content/],
          ["-I", /'-I'; -X HEAD sends a HEAD request/]
        ] as const
      ).map(([option, sentence]) => [["get", option, "https://example.com/a"], sentence] as const),
      [["get", ""], "halyard get: URL 1 is empty; give a URL that begins with https://"],
      [["get", "-nc", "https://example.com/a"], /unknown option '-nc'; --on-exists skip keeps files$/m],
      [["get", "-x4", "https://example.com/a"], /^halyard get: -x saves files by host and path, and takes no number; /],
      [["-x", "16", "https://example.com/a"], /^halyard: -x saves files by host and path, and takes no number; /],
      [["get", "-k1M", "https://example.com/a"], /^halyard get: -k accepts any certificate, and takes no value; /],
      [["get", "-c", "https://example.com/a"], /^halyard get: -c N sets the number of transfers; an interrupted /],
      [
        ["get", "-x", "socks5://p:1", "https://example.com/a"],
        /^halyard get: -x saves .*; --proxy URL sets the proxy$/m
      ],
      [["spin", "-O"], "halyard spin: unknown option '-O'"]
    ])
  )

  it.effect("is refused for an unknown command, with a suggestion", () =>
    refuses([
      [["flgas"], "halyard: unknown command 'flgas'; did you mean 'flags'?"],
      [["flgas", "-l", "1"], "halyard: unknown command 'flgas'; did you mean 'flags'?"],
      [["-d", "out", "flgas"], "halyard: unknown command 'flgas'; did you mean 'flags'?"],
      [["--", "spni"], "halyard: unknown command 'spni'; did you mean 'spin'?"],
      [["--help", "server"], "halyard: unknown command 'server'; did you mean 'serve'?"],
      [[""], "halyard: unknown command ''; see 'halyard --help'"],
      [["\u001b[31m\nflags"], "halyard: unknown command '\\x1b[31m\\x0aflags'; see 'halyard --help'"]
    ])
  )

  it.effect("is refused for an argument that is neither a command nor a URL, with both suggestions", () =>
    refuses([
      [
        ["-c4", "example.com/a?key=s3cret"],
        "halyard: 'example.com/a?key=…' is neither a command nor a URL; did you mean 'https://example.com/a?key=…', or '-i example.com/a?key=…' for a list?"
      ],
      [["urls.txt"], /^halyard: 'urls.txt' is neither a command nor a URL; .* '-i urls.txt' for a list\?$/m]
    ])
  )

  it.effect("without a command means halyard get", () =>
    refuses([
      [["--json"], "halyard: give a URL, or a list of URLs with --input FILE"],
      [["-c", "0", "https://example.com/a"], "halyard: --concurrency N must be from 1 to 10000, not '0'"],
      [
        ["https://example.com/a", "HTTP://EXAMPLE.COM/b", "-o", "c"],
        "halyard: --output FILE is for exactly one URL; use --directory DIR for several"
      ],
      [["https://example.com/a", "--checksum", "md5:1"], /^halyard: --checksum DIGEST must be sha256:HEX/],
      [["-i", "no-such-list"], "halyard: --input no-such-list: there is no such file"]
    ])
  )

  it.effect("is refused for a missing value, and for a value of a flag", () =>
    refuses([
      [["--completions"], "halyard: option '--completions' needs a value"],
      [["flags", "--limit"], "halyard flags: option '--limit' needs a value"],
      [["flags", "BR", "-vl"], "halyard flags: option '-l' needs a value"],
      [["spin", "-m"], "halyard spin: option '-m' needs a value"],
      [["serve", "--bind"], "halyard serve: option '--bind' needs a value"],
      [["--help=1"], "halyard: option '--help' takes no value"],
      [["flags", "--verbose=1"], "halyard flags: option '--verbose' takes no value"],
      [["flags", "-v=1"], "halyard flags: option '-v' takes no value"],
      [["spin", "--blocking=yes"], "halyard spin: option '--blocking' takes no value"],
      [["serve", "--version="], "halyard serve: option '--version' takes no value"]
    ])
  )

  it.effect("is refused for options of get that contradict each other", () =>
    refuses([
      [["get"], "halyard get: give a URL, or a list of URLs with --input FILE"],
      [
        ["get", "http://a", "http://b", "-o", "c"],
        "halyard get: --output FILE is for exactly one URL; use --directory DIR for several"
      ],
      [["get", "http://a", "-i", "x", "--checksum", "y"], "halyard get: --checksum DIGEST is for exactly one URL"],
      [
        ["get", "http://a", "-H", "Range: bytes=1-"],
        /--header NAME:VALUE: the downloader sets the header Range itself/
      ],
      [["get", "http://a", "-H", "novalue"], /--header NAME:VALUE must have a name and a colon/],
      [["get", "-i", "-", "-H", "@-"], /standard input can be read once/]
    ])
  )

  it.effect("is refused for an option given twice, under any of its names", () =>
    refuses([
      [["--completions=sh", "--completions=zsh"], "halyard: option '--completions' was given more than once"],
      [["flags", "-l", "1", "-l", "1"], "halyard flags: option '-l' was given more than once"],
      [["flags", "-m1", "--concurrency=2"], "halyard flags: option '--concurrency' was given more than once"],
      [["spin", "-m", "a", "--message", "b"], "halyard spin: option '--message' was given more than once"],
      [["serve", "--seed", "1", "--seed=1"], "halyard serve: option '--seed' was given more than once"],
      [["serve", "--port", "1", "2"], "halyard serve: PORT and --port are the same: give one of them"]
    ])
  )

  it.effect("is refused for a value that is not a choice, with the choices", () =>
    refuses([
      [["--completions=tcsh"], "halyard: --completions must be one of bash, zsh, fish, sh, not 'tcsh'"],
      [
        ["flags", "--engine", "fibres"],
        "halyard flags: --engine must be one of sequential, threads, fibers, not 'fibres'"
      ],
      [["flags", "-s", "SLOW"], "halyard flags: --server LABEL must be one of DELAY, ERROR, LOCAL, REMOTE, not 'SLOW'"],
      [["flags", "USA"], "halyard flags: each CC argument must be A to Z or AA to ZZ"],
      [["spin", "--engine=Thread"], "halyard spin: --engine must be one of fiber, thread, not 'Thread'"],
      [["spin", "--engine=thread", "--blocking"], /^halyard spin: --blocking is for --engine fiber/],
      [["spin", "--blocking", "true"], /^halyard spin: --engine and --blocking are for the function/]
    ])
  )

  it.effect("is refused for a number that breaks a rule, with the rule", () =>
    refuses([
      [["flags", "-l", "0"], "halyard flags: --limit N must be >= 1, not '0'"],
      [["flags", "-l", "-1"], "halyard flags: --limit N must be >= 1, not '-1'"],
      [["flags", "--limit=NaN"], /^halyard flags: --limit N must be .*, not 'NaN'/],
      [["flags", "-c", "-3"], /^halyard flags: --\w+ CONCURRENT must be >= 1, not '-3'/],
      [["flags", "--seed=-1"], /^halyard flags: --seed N must be >= 0, not '-1'/],
      [["flags", "--timeout", "0"], "halyard flags: --timeout SECONDS must be a number of seconds > 0, not '0'"],
      [["flags", "--timeout", "Infinity"], /--timeout SECONDS must be a number of seconds > 0, not 'Infinity'/],
      [["serve", "65536"], "halyard serve: PORT must be from 0 to 65535, not '65536'"],
      [["serve", "-e", "NaN"], "halyard serve: --error-rate RATE must be from 0 to 1, not 'NaN'"],
      [["serve", "-e-0.1"], "halyard serve: --error-rate RATE must be from 0 to 1, not '-0.1'"],
      [["serve", "--delay", "5..1"], /--delay MIN..MAX must be two numbers of seconds such as 0.5..5, not '5..1'/],
      [["serve", "--delay=-1..2"], /--delay MIN..MAX must be two numbers of seconds such as 0.5..5, not '-1..2'/],
      [["serve", "0", "1"], /^halyard serve: .*'1'/]
    ])
  )

  it.effect("is refused for a fraction as a number that is not whole", () =>
    refuses([
      [["flags", "--limit", "1.5"], /whole number.*, not '1\.5'/],
      [["flags", "--seed", "1e3"], /whole number.*, not '1e3'/]
    ])
  )

  it.effect("is refused for an empty address and an empty directory", () =>
    refuses([
      [["serve", "--port=0", "--bind="], /--bind/],
      [["serve", "--port=0", "--directory="], /--directory/],
      [["flags", "--directory="], /--directory/]
    ])
  )

  it.effect("is refused for a time, a size or a number that is not in its range", () =>
    refuses([
      ...["--timeout", "--connect-timeout", "--headers-timeout", "--speed-time", "--max-time"].flatMap((name) =>
        ["0", "-1", "NaN", "soon"].map(
          (value) =>
            [
              ["get", url, `${name}=${value}`],
              `halyard get: ${name} SECONDS must be a number of seconds > 0, not '${value}'`
            ] as const
        )
      ),
      ...["--max-filesize", "--speed-limit", "--limit-rate", "--origin-limit-rate"].flatMap((name) =>
        ["0", "-1", "x", "1X", "1e3", "k", "", "9".repeat(20), "9999T"].map(
          (value) =>
            [
              ["get", url, `${name}=${value}`],
              `halyard get: ${name} SIZE must be a number of bytes > 0, such as 1000, 64k or 2GB, not '${value}'`
            ] as const
        )
      ),
      ...["--rate", "--origin-rate"].flatMap((name) =>
        ["0/s", "-1/s", "1", "1/w", "/s", "1.5/s", "1e3/s", "", "9".repeat(20)].map(
          (value) =>
            [
              ["get", url, `${name}=${value}`],
              `halyard get: ${name} N/UNIT must be a number above 0 and a unit, such as 5/s, 100/m, 1000/h or 5000/d, not '${value}'`
            ] as const
        )
      ),
      ...["0", "65"].map(
        (value) =>
          [["get", url, "--segments", value], `halyard get: --segments N must be from 1 to 64, not '${value}'`] as const
      )
    ])
  )

  it.effect("is refused for an option for files with an output that is not a file", () =>
    refuses([
      [["get", url, "-o", "-", "--json"], "halyard get: --json and --output - would both write standard output"],
      ...["--on-exists=fail", "--sync", "--durability=full", "--segments=2"].map(
        (option) =>
          [
            ["get", url, "-o", "-", option],
            `halyard get: ${option.replace(/=.*/, "")} is for files, and --output - is not a file`
          ] as const
      )
    ])
  )

  it.effect("is refused for a second origin of flags, and for one that is not HTTP", () =>
    refuses([
      [
        ["flags", "BR", "-s", "DELAY", "--base-url", "http://127.0.0.1:1"],
        "halyard flags: --server and --base-url are two origins: give one of them"
      ],
      ...["ftp://127.0.0.1/", "file:///flags", "flags.example", "", "http://", "http://[bad", "http://a:99999"].map(
        (base) =>
          [
            ["flags", "-l1", "--base-url", base],
            "halyard flags: --base-url URL must be an http: or https: URL without a query"
          ] as const
      )
    ])
  )

  it.effect("is refused for a method or content with several URLs, and for a method that no download can have", () =>
    refuses([
      [["get", url, url, "-X", "PUT"], "halyard get: --request METHOD is for exactly one URL"],
      [["get", "-i", "list", "--data", "s3cret"], "halyard get: --data DATA is for exactly one URL"],
      [["get", url, "--data", "@no-such-file"], "halyard get: --data @no-such-file: there is no such file"],
      [
        ["get", url, "-X", "post"],
        "halyard get: --request METHOD: the method must be a word in capital letters, such as POST"
      ],
      [["get", url, "-X", "HEAD"], "halyard get: --request METHOD: the response to HEAD has no content to save"],
      [
        ["get", url, "--data", "@-", "-H", "@-"],
        "halyard get: standard input can be read once: only one option can have - or @-"
      ]
    ])
  )
})
