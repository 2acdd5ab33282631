import { expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Paced from "../../src/cli/Paced.ts"

it.effect("items go out at the rate, however long each takes", () =>
  Effect.gen(function* () {
    const begun: Array<number> = []
    const act = (item: number) =>
      Effect.andThen(
        Effect.sync(() => begun.push(item)),
        Effect.sleep(item === 2 ? "250 millis" : 0)
      )
    const running = yield* Effect.forkChild(Paced.forEach([1, 2, 3, 4, 5], 100, act))
    yield* TestClock.adjust("99 millis")
    expect(begun).toEqual([1])
    yield* TestClock.adjust("250 millis")
    expect(begun).toEqual([1, 2])
    // What is late is caught up with.
    yield* TestClock.adjust("1 millis")
    expect(begun).toEqual([1, 2, 3, 4])
    yield* TestClock.adjust("50 millis")
    expect(begun).toEqual([1, 2, 3, 4, 5])
    yield* Fiber.join(running)
  })
)

it.effect("an interrupt waits for the item that is on its way", () =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const begun = yield* Deferred.make<void>()
    const done: Array<number> = []
    const act = (item: number) =>
      Deferred.succeed(begun, undefined).pipe(
        Effect.andThen(Deferred.await(gate)),
        Effect.andThen(Effect.sync(() => done.push(item)))
      )
    const running = yield* Effect.forkChild(Paced.forEach([1, 2], 0, act))
    yield* Deferred.await(begun)
    const stopped = yield* Effect.forkChild(Fiber.interrupt(running))
    yield* Effect.yieldNow
    yield* Deferred.succeed(gate, undefined)
    yield* Fiber.join(stopped)
    expect(done).toEqual([1])
  })
)
