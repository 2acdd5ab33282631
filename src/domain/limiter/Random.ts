import { JITTER } from "./Constants.ts"

/**
 * A generator's state, a 32-bit whole number (Mulberry32): as plain as everything else in a limiter's state.
 */
export type Random = number

const STEP = 0x6d2b79f5
const RANGE = 2 ** 32

export const seeded = (seed: number): Random => Math.trunc(seed) | 0

export const next = (random: Random): Random => (random + STEP) | 0

/** The number in [0, 1) that belongs to this state; take `next` for another. */
export const value = (random: Random): number => {
  let bits = Math.imul(random ^ (random >>> 15), 1 | random)
  bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
  return ((bits ^ (bits >>> 14)) >>> 0) / RANGE
}

/** `seconds`, up to JITTER of it longer or shorter. */
export const jittered = (seconds: number, random: Random): number =>
  seconds * (1 + JITTER * (2 * value(random) - 1))
