import { describe, expect, it } from "vitest"
import { explore } from "./Explorer.ts"
import { type Mistakes, protocol } from "./Protocol.ts"
import { streamReset } from "./StreamReset.ts"

describe("the protocol of a call", () => {
  it("loses and doubles nothing, whatever up to three faults strike", () => {
    const { counterexample, states, taken } = explore(protocol(3))
    expect(counterexample).toBeUndefined()
    expect(states).toBeGreaterThan(1_000)
    const steps = [
      "crash",
      "lose",
      "stall",
      "unconfirmed",
      "stop",
      "expire",
      "due",
      "fail",
      "succeed",
      "post"
    ]
    for (const step of steps) expect(taken.get(step), step).toBeGreaterThan(0)
    // Two seconds of one core, which others may want too.
  }, 120_000)

  it.each<readonly [Mistakes, string]>([
    [{ answerBeforeConfirm: true }, "accepted, and not stored"],
    [{ ackBeforeStore: true }, "gone from the queue, and its result is not stored"],
    [{ noConfirm: true }, "gone from the queue, and its result is not stored"],
    [{ silentInterrupt: true }, "nobody has it, nobody gave it back, and nothing had gone wrong"],
    [{ nakBeforeLedger: true }, "more attempts than allowed, and nothing had gone wrong"],
    [{ freshIds: true }, "its result is stored twice"],
    [{ noAck: true }, "nobody has it, nobody gave it back, and nothing had gone wrong"]
  ])("is broken by %j: %s", (mistakes, violation) => {
    const { counterexample } = explore(protocol(2, mistakes))
    expect(counterexample?.violation, counterexample?.trace.join(", ")).toBe(violation)
  })
})

describe("a queue that is reset while a call runs", () => {
  it("keeps the new call when names contain the stream's creation", () => {
    expect(explore(streamReset(true)).counterexample).toBeUndefined()
  })

  it("loses the new call when they do not", () => {
    expect(explore(streamReset(false)).counterexample).toMatchObject({
      violation: "a new call is gone, and its result is not stored"
    })
  })
})
