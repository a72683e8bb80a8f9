/**
 * Owner and permissions that a new file gets from the file that it replaces.
 *
 * @internal
 */

/** The permissions, owner and group of a file. */
export interface Access {
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/**
 * The permission bits for a file that replaces another one, without set-user-ID, set-group-ID and the sticky bit. `own` is the
 * owner and group of the new file. They differ from the old ones if this process may not change them. Then neither the group nor
 * other users get more access than they had.
 */
export const modeFor = ({ gid, mode, uid }: Access, own: Omit<Access, "mode">): number => {
  const forOthers = mode & 0o007
  const bits = own.gid === gid ? mode & 0o777 : (mode & 0o707) | (mode & (forOthers << 3))
  return own.uid === uid ? bits : bits & 0o755
}
