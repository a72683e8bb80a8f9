/**
 * Finds directories whose file system is in memory. A sync there does nothing, so none is made: a power cut leaves no file.
 *
 * @internal
 */

// Another file system may be mounted on a directory, so what is known is asked again after this time.
const knownMillis = 1000

const directoriesAtMost = 1000

interface Known {
  readonly isInMemory: boolean
  readonly untilMillis: number
}

export class MemoryFileSystems {
  private readonly known = new Map<string, Known>()

  constructor(
    /** Throws if the directory cannot be looked at. */
    private readonly isInMemory: (directory: string) => boolean,
    private readonly nowMillis: () => number
  ) {}

  has(directory: string): boolean {
    const now = this.nowMillis()
    const known = this.known.get(directory)
    if (known !== undefined && now < known.untilMillis) {
      return known.isInMemory
    }
    if (this.known.size >= directoriesAtMost) {
      this.known.clear()
    }
    const isInMemory = this.look(directory)
    this.known.set(directory, { isInMemory, untilMillis: now + knownMillis })
    return isInMemory
  }

  private look(directory: string): boolean {
    try {
      return this.isInMemory(directory)
    } catch {
      return false
    }
  }
}
