/**
 * The URLs of files whose list has only their names, from `--base-url`.
 */

/** A URL that names a directory. */
export class BaseUrl {
  private constructor(private readonly url: URL) {}

  /** Returns undefined if the text is not an `http:` or `https:` URL. */
  static parse(text: string): BaseUrl | undefined {
    if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
      return undefined
    }
    const url = new URL(text)
    url.pathname = url.pathname.endsWith("/") ? url.pathname : `${url.pathname}/`
    return new BaseUrl(url)
  }

  /** The URL of a file below the base, with the query of the base. */
  ofPath(path: string): string {
    const url = new URL(this.url)
    url.pathname += path
      .replace(/^(?:\.\/)+/, "")
      .split("/")
      .map(encodeURIComponent)
      .join("/")
    return url.href
  }

  /** The URL that a reference means (RFC 3986 §5). An absolute URL stays as it is. */
  resolve(reference: string): string {
    return /^[a-z][a-z\d+.-]*:/i.test(reference) || !URL.canParse(reference, this.url.href)
      ? reference
      : new URL(reference, this.url).href
  }
}
