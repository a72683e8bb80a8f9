/**
 * What responses say about the versions of a file.
 *
 * @internal
 */

/** What responses said about one version of the file. */
export interface Version {
  readonly validator: string | undefined
  readonly coding: string
  /** The media type; "" if the response had none. */
  readonly type: string
  readonly totalBytes: number | undefined
  /** The bytes received of this version, which is at least its length. */
  readonly leastBytes: number
}

/** The lengths of a whole response: the one that it announces, and the one that its version is known to have. */
export interface Lengths {
  readonly endBytes: number | undefined
  readonly totalBytes: number | undefined
}
