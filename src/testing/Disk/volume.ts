/**
 * The names and bytes of a disk, and which of both a power cut leaves. It has no faults and no Effects.
 */

/** The content of a file. */
export interface Inode {
  bytes: Uint8Array
  /** The content at the last sync. */
  synced: Uint8Array
  /** The permission bits. */
  mode: number
  /** The modification time, if a program has set it. */
  modifiedMillis?: number | undefined
}

// The changes of names in one step. A rename changes two names.
type Change = ReadonlyArray<{ readonly name: string; readonly inode: Inode | undefined }>

/** The limits of a disk. */
export interface Bounds {
  /** Maximum number of bytes of all files. Default: no limit. */
  readonly capacityBytes?: number | undefined
  /** Maximum number of open descriptors. Default: no limit. */
  readonly descriptors?: number | undefined
}

/** An error with the code of an operating system. */
export class Errno extends Error {
  constructor(readonly code: string) {
    super(code)
  }
}

export class Volume {
  private names = new Map<string, Inode>()
  private durableNames = new Map<string, Inode>()
  private changes: Array<Change> = []
  private readonly directories = new Set<string>()
  private descriptorsOpen = 0
  /** The number of the program that runs, and how often the machine was started. */
  life = 1
  boot = 1

  constructor(private readonly bounds: () => Bounds) {}

  /** The number of open descriptors. */
  descriptors(): number {
    return this.descriptorsOpen
  }

  /** The content of each file, as programs see it. */
  files(): ReadonlyMap<string, Uint8Array> {
    return new Map(Array.from(this.names, ([name, { bytes }]) => [name, bytes.slice()]))
  }

  /** The permission bits of each file. */
  modes(): ReadonlyMap<string, number> {
    return new Map(Array.from(this.names, ([name, { mode }]) => [name, mode]))
  }

  /** The modification time of each file. Undefined if no program has set it. */
  times(): ReadonlyMap<string, number | undefined> {
    return new Map(Array.from(this.names, ([name, { modifiedMillis }]) => [name, modifiedMillis]))
  }

  /** Adds a directory that survives a power cut. */
  putDirectory(name: string): void {
    this.directories.add(name)
  }

  isDirectory(name: string): boolean {
    return this.directories.has(name)
  }

  /** Adds a file that survives a power cut. */
  put(name: string, content: Uint8Array, mode = defaultMode, modifiedMillis?: number): void {
    const inode = { bytes: content.slice(), synced: content.slice(), mode, modifiedMillis }
    this.forgetChanges(name)
    this.names.set(name, inode)
    this.durableNames.set(name, inode)
  }

  removeForGood(name: string): void {
    this.forgetChanges(name)
    this.names.delete(name)
    this.durableNames.delete(name)
  }

  private forgetChanges(name: string): void {
    this.changes = this.changes.map((change) => change.filter((one) => one.name !== name))
  }

  /** Ends all programs. Bytes that were written stay. */
  kill(): void {
    this.descriptorsOpen = 0
    this.life++
  }

  /** A power cut. `random` draws from [0, 1). */
  powerCut(random: () => number): void {
    this.kill()
    this.boot++
    const kept = Math.floor(random() * (this.changes.length + 1))
    const names = new Map(this.durableNames)
    for (const { inode, name } of this.changes.slice(0, kept).flat()) {
      if (inode === undefined) {
        names.delete(name)
      } else {
        names.set(name, inode)
      }
    }
    const left = new Map<Inode, Inode>()
    for (const inode of names.values()) {
      if (!left.has(inode)) {
        const content = survivor(inode, random)
        left.set(inode, {
          bytes: content,
          synced: content.slice(),
          mode: inode.mode,
          modifiedMillis: inode.modifiedMillis
        })
      }
    }
    this.names = new Map(Array.from(names, ([name, inode]) => [name, left.get(inode) ?? inode]))
    this.durableNames = new Map(this.names)
    this.changes = []
  }

  /** For each name whose latest changes are not synced, the files that a power cut may leave there; undefined: none. */
  unsynced(): ReadonlyMap<string, ReadonlyArray<Uint8Array | undefined>> {
    const found = new Map<string, Array<Uint8Array | undefined>>()
    for (const { inode, name } of this.changes.flat()) {
      const left = found.get(name) ?? [this.durableNames.get(name)?.bytes.slice()]
      found.set(name, [...left, inode?.bytes.slice()])
    }
    return found
  }

  /** Opens a file again that was closed. Fails if another file has its name. */
  reopenFile(path: string, inode: Inode | undefined): void {
    if (this.descriptorsOpen >= (this.bounds().descriptors ?? Number.POSITIVE_INFINITY)) {
      throw new Errno("EMFILE")
    }
    if (this.names.get(path) !== inode) {
      throw new Errno("ESTALE")
    }
    this.descriptorsOpen++
  }

  /** Opens a file that is there. */
  openOwnFile(path: string): Inode {
    const inode = this.inodeOf(path)
    this.reopenFile(path, inode)
    return inode
  }

  truncateFile(inode: Inode | undefined, sizeBytes: number): void {
    if (inode !== undefined && inode.bytes.length > sizeBytes) {
      inode.bytes = inode.bytes.slice(0, sizeBytes)
    }
  }

  /** The bytes for which there is room; undefined if there is no limit. */
  freeBytes(): number | undefined {
    const { capacityBytes } = this.bounds()
    return capacityBytes === undefined ? undefined : Math.max(0, capacityBytes - this.usedBytes())
  }

  namesIn(directory: string): ReadonlyArray<string> {
    return this.all()
      .filter((name) => name.startsWith(`${directory}/`))
      .map((name) => name.slice(directory.length + 1))
  }

  closeFile(): void {
    this.descriptorsOpen--
  }

  private change(...change: Change): void {
    for (const { inode, name } of change) {
      if (inode === undefined) {
        this.names.delete(name)
      } else {
        this.names.set(name, inode)
      }
    }
    this.changes.push(change)
  }

  private usedBytes(): number {
    return Array.from(new Set(this.names.values())).reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  inodeOf(path: string): Inode {
    const inode = this.names.get(path)
    if (inode === undefined) {
      throw new Errno("ENOENT")
    }
    return inode
  }

  openFile(path: string, flag: string, mode = defaultMode): Inode | undefined {
    if (this.descriptorsOpen >= (this.bounds().descriptors ?? Number.POSITIVE_INFINITY)) {
      throw new Errno("EMFILE")
    }
    const found = this.names.get(path)
    if (found === undefined && flag.startsWith("r")) {
      // Every path that is no file is a directory.
      this.descriptorsOpen++
      return undefined
    }
    if ((found !== undefined || this.directories.has(path)) && flag.includes("x")) {
      throw new Errno("EEXIST")
    }
    const inode = found ?? { bytes: new Uint8Array(0), synced: new Uint8Array(0), mode }
    if (found === undefined) {
      this.change({ name: path, inode })
    } else if (flag.startsWith("w")) {
      inode.bytes = new Uint8Array(0)
    }
    this.descriptorsOpen++
    return inode
  }

  // Writes the bytes for which there is room, and fails if there are more.
  writeAt(inode: Inode | undefined, chunk: Uint8Array, position: number): number {
    if (inode === undefined) {
      throw new Errno("EISDIR")
    }
    const room = (this.bounds().capacityBytes ?? Number.POSITIVE_INFINITY) - this.usedBytes()
    const end = Math.min(position + chunk.length, inode.bytes.length + Math.max(0, room))
    const bytes = new Uint8Array(Math.max(end, inode.bytes.length))
    bytes.set(inode.bytes)
    bytes.set(chunk.subarray(0, end - position), position)
    inode.bytes = bytes
    if (end < position + chunk.length) {
      throw new Errno("ENOSPC")
    }
    return chunk.length
  }

  readAt(inode: Inode | undefined, into: Uint8Array, position: number): number {
    const found = inode?.bytes.subarray(position, position + into.length) ?? new Uint8Array(0)
    into.set(found)
    return found.length
  }

  /** Syncs the content of each file, and no names. */
  syncContents(): void {
    for (const inode of this.names.values()) {
      inode.synced = inode.bytes.slice()
    }
  }

  /** Without an inode, the path is a directory. */
  syncFile(path: string, inode: Inode | undefined): void {
    if (inode === undefined) {
      this.syncNames(path)
    } else {
      inode.synced = inode.bytes.slice()
    }
  }

  private syncNames(directory: string): void {
    const isIn = (change: Change): boolean =>
      change.some(({ name }) => name.slice(0, Math.max(0, name.lastIndexOf("/"))) === directory.replace(/\/$/, ""))
    for (const { inode, name } of this.changes.filter(isIn).flat()) {
      if (inode === undefined) {
        this.durableNames.delete(name)
      } else {
        this.durableNames.set(name, inode)
      }
    }
    this.changes = this.changes.filter((change) => !isIn(change))
  }

  renameTo(from: string, to: string): void {
    const inode = this.inodeOf(from)
    if (this.directories.has(to)) {
      throw new Errno("EISDIR")
    }
    this.change({ name: to, inode }, { name: from, inode: undefined })
  }

  linkTo(from: string, to: string): void {
    if (this.has(to)) {
      throw new Errno("EEXIST")
    }
    this.change({ name: to, inode: this.inodeOf(from) })
  }

  removeName(path: string): void {
    this.inodeOf(path)
    this.change({ name: path, inode: undefined })
  }

  has(path: string): boolean {
    return this.names.has(path) || this.directories.has(path)
  }

  find(path: string): Inode | undefined {
    return this.names.get(path)
  }

  all(): ReadonlyArray<string> {
    return Array.from(this.names.keys())
  }
}

// The mode with the usual umask.
const defaultMode = 0o644

/**
 * The bytes that a power cut leaves of a file: the synced ones, and of later ones some, from the first on, or zeros in their place. A
 * synced byte that was not changed later stays.
 */
const survivor = (inode: Inode, random: () => number): Uint8Array => {
  const { bytes, synced } = inode
  const isSame = bytes.length === synced.length && bytes.every((byte, index) => byte === synced[index])
  if (isSame) {
    return bytes.slice()
  }
  const common = bytes.findIndex((byte, index) => byte !== synced[index])
  const safe = common < 0 ? Math.min(bytes.length, synced.length) : common
  const length = safe + Math.floor(random() * (bytes.length - safe + 1))
  const zerosFrom = random() < 0.5 ? safe + Math.floor(random() * (length - safe + 1)) : length
  return Uint8Array.from({ length: Math.max(length, Math.min(bytes.length, synced.length)) }, (_, index) => {
    const [now = 0, before = 0] = [bytes[index], synced[index]]
    return now === before && index < synced.length ? now : index >= length ? before : index >= zerosFrom ? 0 : now
  })
}
