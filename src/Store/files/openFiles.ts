/**
 * The open files of a store. When no descriptor is free, it closes an idle file, which is opened again for its next write.
 *
 * @internal
 */
import { codeOf } from "../../DownloadError/diskErrors.js"
import { Disk } from "../../DownloadError.js"
import { isTooManyOpenCode } from "../../internal/descriptors.js"

/** True if an error says that no descriptor is free. */
export const isTooManyOpen = (cause: unknown): boolean =>
  cause instanceof Disk ? cause.reason === "too-many-open" : isTooManyOpenCode(codeOf(cause))

export interface OpenFile {
  /** Closes the file until it is needed again. False if it is in use or not open. */
  readonly closeIfIdle: () => boolean
}

export class OpenFiles {
  /** In the order in which they were opened. */
  private readonly files = new Set<OpenFile>()

  constructor(
    /** Asks the rest of the process to close an idle descriptor, at once or a moment later. */
    private readonly releaseElsewhere: () => void
  ) {}

  add(file: OpenFile): void {
    this.files.add(file)
  }

  delete(file: OpenFile): void {
    this.files.delete(file)
  }

  /** Closes one idle file. False if there is none. */
  closeIdle(): boolean {
    for (const file of this.files) {
      if (file.closeIfIdle()) {
        return true
      }
    }
    return false
  }

  /** Returns true if a descriptor is free now. Otherwise one may be free a moment later. */
  freeDescriptor(): boolean {
    const isFree = this.closeIdle()
    if (!isFree) {
      this.releaseElsewhere()
    }
    return isFree
  }
}
