/**
 * Command lines about batches that are refused, and their variables.
 */
import { assert, describe, it } from "@effect/vitest"
import { ofBatches } from "../../src/Cli/Config/configuration.js"
import { longName, type Option } from "../../src/Cli/commandLine/Option.js"
import { options as getOptions } from "../../src/Cli/Get/options.js"
import { own as ofRunner } from "../../src/Cli/Runner/options.js"
import { own as ofSubmit } from "../../src/Cli/Submit/options.js"
import { refuses } from "../support/program/commandLine.js"

const database = ["--database", "file:batches.db"]

describe("a command line about batches", () => {
  it.effect("is refused without a batch or a database", () =>
    refuses([
      [["status"], "halyard status: give the database of the batches with --database URL, or in HALYARD_DATABASE"],
      [["status", "a", "b", ...database], "halyard status: give one ID, which halyard submit has printed"],
      [["cancel", "a", "b", ...database], "halyard cancel: give one ID, which halyard submit has printed"],
      [["status", "a"], "halyard status: give the database of the batches with --database URL, or in HALYARD_DATABASE"],
      [["runner"], "halyard runner: give the database of the batches with --database URL, or in HALYARD_DATABASE"],
      [
        ["submit", "https://example.com/a"],
        "halyard submit: give the database of the batches with --database URL, or in HALYARD_DATABASE"
      ],
      [["submit", ...database], "halyard submit: give a URL, or a list of URLs with --input FILE"],
      [["submit", "--local"], "halyard submit: give a URL, or a list of URLs with --input FILE"]
    ])
  )

  it.effect("is refused for a wrong value, without a secret", () =>
    refuses([
      [
        ["status", "a", "--database", "mysql://user:secret@host/name"],
        "halyard status: --database URL must begin with postgres://, postgresql:// or file:"
      ],
      [["runner", "more", ...database], "halyard runner: runner takes no argument, not 'more'"],
      [["runner", ...database, "--port", "0"], "halyard runner: --port PORT must be from 1 to 65535, not '0'"],
      [["runner", ...database, "--drain", "soon"], /--drain SECONDS must be a number of seconds > 0/],
      [
        ["submit", "https://example.com/a", ...database, "--on-exists", "unique"],
        "halyard submit: --on-exists must be one of skip, overwrite, not 'unique'"
      ],
      [
        ["submit", "https://example.com/a", ...database, "--processes", "2"],
        "halyard submit: --processes N is for --local"
      ],
      [
        ["submit", "https://example.com/a", "--local", "--tar", "--sync"],
        "halyard submit: --sync asks about files that --tar does not replace: give one of them"
      ],
      [
        ["submit", "https://example.com/a", "--local", "--tar", "--on-exists", "overwrite"],
        "halyard submit: --on-exists overwrite and --tar contradict each other: a complete tar is not changed"
      ],
      [
        ["submit", "https://example.com/a", "--local", "--tar", "--allow-outside"],
        "halyard submit: --allow-outside is for files, and --tar writes none"
      ],
      [
        ["submit", "https://example.com/a", "--local", "--tar", "-d", "out/{shard}"],
        "halyard submit: --directory DIR must not have {shard} in it with --tar"
      ],
      [["report", "--batch", "a", "run.ndjson", ...database], "halyard report: give FILE or --batch ID, and not both"],
      [["report", "--batch", "a", "--har", "run.har", ...database], /--har FILE is for the lines of a run/],
      [["report", "run.ndjson", "--json"], "halyard report: --json is for --batch ID"]
    ])
  )

  it("has variables that other commands ignore", () => {
    const known = new Set(Object.values(getOptions).map(longName))
    const own: ReadonlyArray<Option<unknown>> = [...Object.values(ofRunner), ...Object.values(ofSubmit)]
    const variables = own
      .map(longName)
      .filter((name) => !known.has(name))
      .map((name) => `HALYARD_${name.slice(2).toUpperCase().replaceAll("-", "_")}`)
    assert.deepStrictEqual(Array.from(new Set(variables)).sort(), Array.from(ofBatches).sort())
  })
})
