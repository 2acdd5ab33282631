/**
 * The max-min fair allocation of `capacity` slots to `demands` (whole numbers, not negative): nobody gets more
 * than they ask for, and nobody could get more without taking from somebody who has no more than them. What
 * cannot be divided goes to the earlier indexes.
 */
export const shares = (capacity: number, demands: ReadonlyArray<number>): Array<number> => {
  const allocated = demands.map(() => 0)
  let left = capacity
  let wanting = demands.flatMap((demand, index) => (demand > 0 ? [{ demand, index }] : []))
  while (left > 0 && wanting.length > 0) {
    const equal = Math.floor(left / wanting.length)
    const modest = wanting.filter(({ demand }) => demand <= equal)
    if (modest.length === 0) {
      const remainder = left % wanting.length
      for (const [order, { index }] of wanting.entries())
        allocated[index] = equal + (order < remainder ? 1 : 0)
      return allocated
    }
    for (const { demand, index } of modest) {
      allocated[index] = demand
      left -= demand
    }
    wanting = wanting.filter(({ demand }) => demand > equal)
  }
  return allocated
}

/**
 * Who gets the next free slot: the one that holds the fewest, among equals the one that has waited longest.
 * Given out one by one, slots end up as `shares` has them.
 */
export const next = <K>(
  wanting: Iterable<{ readonly key: K; readonly held: number; readonly since: number }>
): K | undefined => {
  let best: { readonly key: K; readonly held: number; readonly since: number } | undefined
  for (const candidate of wanting) {
    if (
      best === undefined ||
      candidate.held < best.held ||
      (candidate.held === best.held && candidate.since < best.since)
    ) {
      best = candidate
    }
  }
  return best?.key
}
