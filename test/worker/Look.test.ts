import { expect, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Look from "../../src/worker/Look.ts"

const found = {
  counts: new Map(),
  lastSequence: 0,
  messages: 0,
  bytes: 0,
  maxMessages: undefined,
  maxBytes: undefined
}

it.effect("a look is current for ten discovery intervals, whatever later looks find", () =>
  Effect.gen(function* () {
    const looked = yield* Look.make(1_000)
    const first = looked(found)
    yield* TestClock.adjust("9 seconds")
    const second = looked(found)
    yield* TestClock.adjust("1 second")
    expect([first, second].map(({ isCurrent }) => isCurrent())).toEqual([true, true])
    yield* TestClock.adjust("1 milli")
    expect([first, second].map(({ isCurrent }) => isCurrent())).toEqual([false, true])
  })
)

it.effect("no look is current when the scope has closed", () =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const looked = yield* Scope.provide(Look.make(1_000), scope)
    const look = looked(found)
    expect(look.isCurrent()).toBe(true)
    yield* Scope.close(scope, Exit.void)
    expect([look, looked(found)].map(({ isCurrent }) => isCurrent())).toEqual([false, false])
  })
)
