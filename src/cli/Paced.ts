import { Clock, Duration, Effect } from "effect"

/**
 * One after the other, each begun `intervalMillis` after the one before or later. An interrupt ends it between
 * two, never within one.
 */
export const forEach = <A, B, E, R>(
  items: ReadonlyArray<A>,
  intervalMillis: number,
  act: (item: A, index: number) => Effect.Effect<B, E, R>
) =>
  Effect.gen(function* () {
    const startedAt = yield* Clock.currentTimeMillis
    const results: Array<B> = []
    for (const [index, item] of items.entries()) {
      const early = startedAt + index * intervalMillis - (yield* Clock.currentTimeMillis)
      if (early > 0) yield* Effect.sleep(Duration.millis(early))
      results.push(yield* Effect.uninterruptible(act(item, index)))
    }
    return results
  })
