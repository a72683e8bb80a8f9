/**
 * A place in an object storage, as `--directory` names it: `s3://BUCKET/PREFIX`.
 */
import * as Either from "effect/Either"

const scheme = "s3://"

export interface Place {
  readonly bucket: string
  /** Without slashes at its ends. May be empty. */
  readonly prefix: string
}

/** Whether a directory or a path, as `directory` has read it, is in an object storage. */
export const isIn = (path: string): boolean => path.startsWith(scheme)

/** The place of a directory that `directory` has read. */
export const placeOf = (directory: string): Place => {
  const [bucket = "", ...prefix] = directory.slice(scheme.length).split("/")
  return { bucket, prefix: prefix.join("/") }
}

/** The URL of a name below a place, or why it is none. */
export const inside = (place: string, name: string): Either.Either<string, string> =>
  name.startsWith("/") || name.endsWith("/") || name.split("/").some((segment) => segment === "." || segment === "..")
    ? Either.left(`a name below ${place} must not begin or end with a slash, and have no . or .. between slashes`)
    : Either.right(`${place}/${name}`)

/** Reads the path of a file, which is no URL: the bucket is given with `--directory`. */
export const path = (text: string, label: string): Either.Either<string, string> =>
  text === ""
    ? Either.left(`${label} must not be empty`)
    : isMeant(text)
      ? Either.left(`${label} is the name below --directory s3://BUCKET/PREFIX, and not a URL`)
      : Either.right(text)

/**
 * Reads a directory: a path, or the URL of a bucket, which loses the slashes at the ends of its prefix. The error does not show the
 * URL, because a user may have put a key into it.
 */
export const directory = (text: string, label: string): Either.Either<string, string> => {
  if (text === "") {
    return Either.left(`${label} must not be empty`)
  }
  if (!isMeant(text)) {
    return Either.right(text)
  }
  const [bucket = "", ...segments] = isIn(text.toLowerCase()) ? text.slice(scheme.length).split("/") : []
  if (!/^[a-z\d][\w.-]{1,254}$/i.test(bucket)) {
    return Either.left(
      `${label}: an object storage is s3://BUCKET/PREFIX, where BUCKET has 2 to 255 letters, digits, '.', '-' and '_'; write './s3:NAME' for a directory with such a name`
    )
  }
  const all = segments.slice(
    segments.findIndex((segment) => segment !== ""),
    segments.findLastIndex((segment) => segment !== "") + 1
  )
  const prefix = all.join("/")
  return all.includes(".") || all.includes("..") || /[\u0000-\u001f\u007f]/.test(prefix)
    ? Either.left(
        `${label}: the part after s3://${bucket}/ must have no control characters, and no . or .. between slashes`
      )
    : Either.right(`${scheme}${bucket}${prefix === "" ? "" : `/${prefix}`}`)
}

/** Reads a directory that must be on a disk. */
export const localDirectory = (text: string, label: string): Either.Either<string, string> =>
  Either.filterOrLeft(
    directory(text, label),
    (read) => !isIn(read),
    () => `${label} must be a directory of this machine, and not an object storage`
  )

/** Whether a text is such a URL, or is meant to be one. */
export const isMeant = (text: string): boolean => /^s3:/i.test(text)
