import type { Company } from "../domain/AttemptRecord.ts"

/** What takes its worker down mostly does so soon: after this long the next suspect may begin beside it. */
const STAGGER_MILLIS = 250

/**
 * Which suspect calls run in this worker: one after the other or nearly so, and one whose next unfinished delivery
 * would be its last without any other. So few calls are blamed for one that takes its worker down, and none is given
 * up in its place. Calls that are no suspects are not held up.
 */
export class Quarantine<Call> {
  readonly #inside = new Set<Call>()
  #alone = false
  #last: { readonly call: Call; readonly atMillis: number } | undefined

  /** False when it has to wait. */
  enter(call: Call, company: Company, nowMillis: number): boolean {
    if (this.#alone) return false
    if (company === "alone" && this.#inside.size > 0) return false
    const last = this.#last
    const isFresh = last !== undefined && nowMillis < last.atMillis + STAGGER_MILLIS
    if (isFresh && this.#inside.has(last.call)) return false
    this.#alone = company === "alone"
    this.#inside.add(call)
    this.#last = { call, atMillis: nowMillis }
    return true
  }

  leave(call: Call): void {
    if (this.#inside.delete(call)) this.#alone = false
  }
}
