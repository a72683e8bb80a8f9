/**
 * What a tar has: which file is where. Its text is one line of JSON.
 *
 * @internal
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

/** A file in a tar, with its metadata. */
export interface Sample {
  /** The path of its destination. */
  readonly path: string
  readonly key: string
  /** The position of its first header. */
  readonly startBytes: number
  /** The position of its content. */
  readonly contentBytes: number
  readonly sizeBytes: number
  /** The position after its last entry. */
  readonly endBytes: number
  readonly modifiedMillis: number | undefined
}

const Row = Schema.Tuple(
  Schema.String,
  Schema.String,
  Schema.Number,
  Schema.Number,
  Schema.Number,
  Schema.Number,
  Schema.NullOr(Schema.Number)
)

const decode = Schema.decodeUnknownEither(
  Schema.parseJson(Schema.Struct({ version: Schema.Literal(1), endBytes: Schema.Number, samples: Schema.Array(Row) }))
)

/** Returns undefined if the text is damaged, or of another version. */
export const fromText = (text: string): SampleIndex | undefined => {
  const decoded = decode(text)
  if (Either.isLeft(decoded)) {
    return undefined
  }
  const index = new SampleIndex()
  for (const [path, key, startBytes, contentBytes, sizeBytes, endBytes, modified] of decoded.right.samples) {
    const modifiedMillis = modified ?? undefined
    index.add({ path, key, startBytes, contentBytes, sizeBytes, endBytes, modifiedMillis })
  }
  index.endBytes = decoded.right.endBytes
  return index
}

export class SampleIndex {
  /** The position after the last sample. */
  endBytes = 0
  /** The bytes of the samples that are in the index. */
  private liveBytes = 0
  private readonly samples = new Map<string, Sample>()
  private readonly keys = new Set<string>()
  /** The rows as text: a checkpoint of thousands of samples does not encode all of them again. */
  private readonly rows = new Map<Sample, string>()

  get count(): number {
    return this.samples.size
  }

  /** True if the tar has bytes of samples that are not in the index. */
  get hasGaps(): boolean {
    return this.liveBytes !== this.endBytes
  }

  /** The samples in the order of their positions. */
  get all(): ReadonlyArray<Sample> {
    return [...this.samples.values()].sort((one, other) => one.startBytes - other.startBytes)
  }

  get(path: string): Sample | undefined {
    return this.samples.get(path)
  }

  hasKey(key: string): boolean {
    return this.keys.has(key)
  }

  /** Adds a sample, in place of an earlier one with the same path, which is returned. */
  add(sample: Sample): Sample | undefined {
    const { contentBytes, endBytes, key, modifiedMillis, path, sizeBytes, startBytes } = sample
    const replaced = this.remove(path)
    this.samples.set(path, sample)
    this.keys.add(key)
    this.rows.set(
      sample,
      JSON.stringify([path, key, startBytes, contentBytes, sizeBytes, endBytes, modifiedMillis ?? null])
    )
    this.liveBytes += endBytes - startBytes
    this.endBytes = Math.max(this.endBytes, endBytes)
    return replaced
  }

  remove(path: string): Sample | undefined {
    const found = this.samples.get(path)
    if (found !== undefined) {
      this.samples.delete(path)
      this.keys.delete(found.key)
      this.rows.delete(found)
      this.liveBytes -= found.endBytes - found.startBytes
    }
    return found
  }

  get text(): string {
    return `{"version":1,"endBytes":${this.endBytes},"samples":[${[...this.rows.values()].join(",")}]}`
  }
}
