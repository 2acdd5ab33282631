const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/**
 * A number in [0, 1) that depends on nothing but its arguments: the same call at the same attempt meets the same
 * fate in each run with the same seed, whatever order the calls come in.
 */
export const chance = (seed: number, ...parts: ReadonlyArray<string | number>): number => {
  let hash = FNV_OFFSET
  for (const character of [seed, ...parts].join("/")) {
    hash = Math.imul(hash ^ character.charCodeAt(0), FNV_PRIME)
  }
  // FNV alone leaves texts that differ only in their last character close together.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
