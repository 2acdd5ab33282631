import { NEWS_HOLDS } from "./Constants.ts"
import type { News } from "./Limiter.ts"

/** What another worker said last, and when. */
interface Sibling extends Omit<News, "worker"> {
  readonly at: number
}

/** What is known of the other workers of the function, and was done for them. */
export interface Others {
  readonly siblings: Readonly<Record<string, Sibling>>
  /** When one was last heard. */
  readonly heardAt: number | null
  /** This worker's place in the order of all, in [0, 1). */
  readonly turn: number
  /** How many calls were last given up for others, and when. */
  readonly gift: { readonly size: number; readonly at: number }
  /** When this worker last looked for what others gave up, and how much of what they tell of that was. */
  readonly askedAt: number
  readonly sought: number
  /** When it last left room for workers that are not heard of. */
  readonly yieldedAt: number
}

export const none = (now: number, turn: number): Others => ({
  siblings: {},
  heardAt: null,
  turn,
  gift: { size: 0, at: now },
  askedAt: now,
  sought: 0,
  yieldedAt: now
})

const isFresh = (sibling: Sibling, time: number): boolean => time - sibling.at <= NEWS_HOLDS

export const heard = (others: Others, { worker, ...said }: News, time: number): Others => {
  const known = Object.entries(others.siblings).filter(([, sibling]) => isFresh(sibling, time))
  const siblings = { ...Object.fromEntries(known), [worker]: { ...said, at: time } }
  const next = { ...others, siblings, heardAt: time }
  return { ...next, sought: sought(next, time) }
}

/** Those that want more than they have. */
export const wanting = (others: Others, time: number): ReadonlyArray<Sibling> =>
  others.heardAt === null
    ? []
    : Object.values(others.siblings).filter((sibling) => sibling.wants && isFresh(sibling, time))

/** Whether one of them has calls and no room at all. */
export const isOneShut = (others: Others, time: number): boolean =>
  wanting(others, time).some(({ holds }) => holds === 0)

/** How many calls they gave up that this worker did not look for yet: what it looked for it has, or others do. */
export const gifts = (others: Others, time: number): number => told(others, time) - sought(others, time)

const told = (others: Others, time: number): number =>
  wanting(others, time).reduce((sum, { gives }) => sum + gives, 0)

const sought = (others: Others, time: number): number => Math.min(others.sought, told(others, time))

/** This worker looks for all that was given up. */
export const asked = (others: Others, time: number): Others => ({
  ...others,
  askedAt: time,
  sought: told(others, time)
})

/** Who says nothing has nothing to do, is gone or cannot be heard: whether that is true of all by now. */
export const areSilent = ({ heardAt }: Others, time: number): boolean =>
  heardAt !== null && time - heardAt > NEWS_HOLDS

export const forgotten = (others: Others): Others => ({ ...others, siblings: {}, heardAt: null })
