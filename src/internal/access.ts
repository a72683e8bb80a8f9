/**
 * What a new file inherits of the file that it replaces.
 *
 * @internal
 */

/** Whose a file is, and what others may do with it. */
export interface Access {
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/**
 * The permission bits for a file that takes the place of another one, without set-user-ID and the like. `own` is the
 * owner and group that it has: they are others if this process may not change them, and then neither the group nor
 * others may do more than they could.
 */
export const modeFor = ({ gid, mode, uid }: Access, own: Omit<Access, "mode">): number => {
  const forOthers = mode & 0o007
  const bits = own.gid === gid ? mode & 0o777 : (mode & 0o707) | (mode & (forOthers << 3))
  return own.uid === uid ? bits : bits & 0o755
}
