import type { Kind } from "../../../src/domain/limiter/Limiter.ts"
import type { Step } from "./Model.ts"

/** Counts answers of a kind from now on. */
export const counter = () => {
  const counts: Record<Kind, number> = {
    success: 0,
    rejected: 0,
    neutral: 0,
    timeout: 0,
    unreachable: 0,
    cancelled: 0
  }
  const watch = ({ event }: Step): void => {
    if (event._tag === "Answered") counts[event.kind]++
  }
  return { counts, watch }
}
