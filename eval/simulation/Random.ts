import * as Mulberry32 from "../../src/domain/limiter/Random.ts"

/** A source of numbers in [0, 1); the same seed gives the same numbers. */
export type Random = () => number

/** 32 bits of state: plenty for a simulation, and the same on every machine. */
export const seeded = (seed: number): Random => {
  let state = Mulberry32.seeded(seed)
  return () => {
    state = Mulberry32.next(state)
    return Mulberry32.value(state)
  }
}

/**
 * A source of its own for one purpose of one run, so that what one part of the simulation draws never moves
 * another: every contender sees the same work, whatever it does.
 */
export const sourceFor = (purpose: string, seed: number): Random => {
  let hash = 0x811c9dc5 ^ seed
  for (const character of `${purpose}#${seed}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193)
  }
  return seeded(hash)
}

/** From `1 - share` to `1 + share`. */
export const around = (random: Random, share: number): number => 1 - share + 2 * share * random()

/** Exponential with mean 1. */
export const exponential = (random: Random): number => -Math.log(1 - random())

/** Normal with mean 0 and deviation 1 (Box-Muller). */
export const normal = (random: Random): number =>
  Math.sqrt(2 * exponential(random)) * Math.cos(2 * Math.PI * random())
