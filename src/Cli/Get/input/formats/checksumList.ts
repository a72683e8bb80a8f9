/**
 * Reads a checksum file as a list: the names are relative to `--base-url`, and each file keeps its path.
 */
import type { BaseUrl } from "../baseUrl.js"
import { type Entries, type Format, type Line, tooLong } from "../item.js"
import * as ChecksumLine from "./checksumLine.js"

export class ChecksumList implements Format {
  constructor(
    private readonly base: BaseUrl,
    private readonly entries: Entries
  ) {}

  line({ isCut, number, text }: Line): void {
    if (text.trim() === "" || text.startsWith("#")) {
      return
    }
    const checksum = ChecksumLine.parse(text)
    if (isCut || checksum === undefined) {
      this.entries.refuse(number, isCut ? tooLong : "it is not a checksum and a name")
    } else {
      const { digest, path } = checksum
      this.entries.item(number, this.base.ofPath(path), { name: path, checksum: digest })
    }
  }

  pause(): void {}

  end(): void {}

  isWaiting(): boolean {
    return false
  }
}
