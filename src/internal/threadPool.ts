/**
 * Which thread carries a request out: as many threads as there is work for, a new one in the place of one that ended.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Thread, Threads } from "../Threads.js"
import type { AboutOne, FromThread, PlainSettings, ToThread } from "./threadNotes.js"

/** What takes the notes about one request. */
export interface Carried {
  readonly told: (note: AboutOne) => void
  /** It has a permit that another one had. */
  readonly passed: (permit: number, release: () => void) => void
  /** Its thread has ended. */
  readonly lost: () => void
}

export class Member {
  readonly carried = new Map<number, Carried>()
  /** Whether it ever worked: before that it has begun nothing. */
  hasWorked = false
  private outbox: Array<ToThread> = []

  constructor(
    readonly thread: Thread,
    private readonly soon: (act: () => void) => void
  ) {}

  /** Sent with what else is written in the same moment. */
  write(note: ToThread): void {
    this.outbox.push(note)
    if (this.outbox.length === 1) {
      this.soon(() => {
        const notes = this.outbox
        this.outbox = []
        this.thread.post(notes)
      })
    }
  }
}

export interface Pool {
  /** How many threads there may be. */
  limit: number
  /** Whether more threads are worth a try. */
  mayGrow: boolean
  /** One that has as little under way as any; undefined where none can be had any more. */
  readonly choose: () => Member | undefined
  /** Has no thread pass on the permits that it has; all come back here, where limits are kept. */
  readonly hold: () => void
  /** How busy the least busy of those is that there may be; 0 where there are fewer. */
  readonly utilization: () => number
}

/** Its threads end with the scope. */
export const make = (
  threads: typeof Threads.Service,
  settings: PlainSettings,
  governed: (note: FromThread, from: Member) => void
): Effect.Effect<Pool, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Set<Member>()),
      (members) => Effect.forEach(members, ({ thread }) => thread.end, { concurrency: "unbounded", discard: true })
    ),
    (members) => {
      const start = (): Member => {
        const member: Member = new Member(
          threads.start({
            onNotes: (notes) => {
              member.hasWorked = true
              for (const note of notes) {
                if ("id" in note) {
                  member.carried.get(note.id)?.told(note)
                } else {
                  governed(note, member)
                }
              }
            },
            onEnd: () => {
              members.delete(member)
              if (!member.hasWorked) {
                // The next one would not either.
                pool.limit--
                pool.mayGrow = false
              }
              for (const one of Array.from(member.carried.values())) {
                one.lost()
              }
            }
          }),
          threads.soon
        )
        members.add(member)
        member.write({ _tag: "Begin", settings })
        return member
      }
      const pool: Pool = {
        limit: 0,
        mayGrow: true,
        choose: () => {
          let best: Member | undefined
          for (const member of members) {
            if (best === undefined || member.carried.size < best.carried.size) {
              best = member
            }
          }
          return (best === undefined || best.carried.size > 0) && members.size < pool.limit ? start() : best
        },
        hold: () => {
          for (const member of members) {
            member.write({ _tag: "Hold" })
          }
        },
        utilization: () => {
          const busy = Array.from(members, ({ thread }) => thread.utilization())
          return members.size < pool.limit ? 0 : Math.min(...busy)
        }
      }
      return pool
    }
  )
