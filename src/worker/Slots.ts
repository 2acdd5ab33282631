import * as FairShare from "../domain/FairShare.ts"

/** One actor's part of the worker's slots. */
export interface SlotMember {
  /** How many more slots it could use now; they are given as they come free. */
  readonly want: (count: number) => void
  readonly release: (count: number) => void
  /**
   * Gives one to the others, although what it was for is still in memory; false when as many are parked as there
   * are slots, which bounds that memory.
   */
  readonly park: () => boolean
  /** What a parked one was for is gone. */
  readonly unpark: () => void
  /** Gives everything back and wants nothing more. */
  readonly leave: () => void
}

interface Member {
  readonly key: symbol
  readonly granted: (count: number) => void
  wanted: number
  held: number
  parked: number
  since: number
}

/**
 * The `max_inflight` slots of a worker, shared max-min fair: every free slot goes to the actor that wants one
 * and has the fewest. Nothing is reserved: what one does not want the others get at once.
 */
export class Slots {
  readonly capacity: number
  #free: number
  #parked = 0
  #turn = 0
  readonly #wanting = new Map<symbol, Member>()

  constructor(capacity: number) {
    this.capacity = capacity
    this.#free = capacity
  }

  get free(): number {
    return this.#free
  }

  /** @param granted is told how many slots the member has just got; it may be called from within `want`. */
  join(granted: (count: number) => void): SlotMember {
    const member: Member = { key: Symbol("slots"), granted, wanted: 0, held: 0, parked: 0, since: 0 }
    const release = (count: number) => {
      member.held -= count
      this.#free += count
      this.#distribute()
    }
    return {
      want: (count) => {
        if (count > 0 && member.wanted === 0) member.since = this.#turn++
        member.wanted = Math.max(0, count)
        if (member.wanted === 0) this.#wanting.delete(member.key)
        else this.#wanting.set(member.key, member)
        this.#distribute()
      },
      release,
      park: () => {
        if (this.#parked === this.capacity) return false
        this.#parked++
        member.parked++
        release(1)
        return true
      },
      unpark: () => {
        this.#parked--
        member.parked--
      },
      leave: () => {
        this.#wanting.delete(member.key)
        this.#free += member.held
        this.#parked -= member.parked
        member.held = 0
        member.parked = 0
        this.#distribute()
      }
    }
  }

  #distribute(): void {
    if (this.#free === 0 || this.#wanting.size === 0) return
    const grants = new Map<Member, number>()
    while (this.#free > 0) {
      const member = this.#next()
      if (member === undefined) break
      this.#free--
      member.held++
      member.wanted--
      member.since = this.#turn++
      if (member.wanted === 0) this.#wanting.delete(member.key)
      grants.set(member, (grants.get(member) ?? 0) + 1)
    }
    for (const [member, count] of grants) member.granted(count)
  }

  #next(): Member | undefined {
    // Alone, which is the common case, there is nothing to compare.
    const only =
      this.#wanting.size === 1 ? this.#wanting.keys().next().value : FairShare.next(this.#wanting.values())
    return only === undefined ? undefined : this.#wanting.get(only)
  }
}
