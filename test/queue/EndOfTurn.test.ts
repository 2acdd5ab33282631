import { setImmediate as nextTurn } from "node:timers/promises"
import { expect, it } from "vitest"
import * as EndOfTurn from "../../src/queue/EndOfTurn.ts"

it("what several callbacks of one turn ask for is done together, in order, at its end", async () => {
  const atEndOfTurn = EndOfTurn.make()
  const done: Array<string> = []
  const note = (text: string) => atEndOfTurn(() => done.push(text))
  atEndOfTurn(() => {
    done.push("first")
    // nats.js writes in a microtask: none may come in between.
    queueMicrotask(() => done.push("written"))
  })
  await Promise.resolve()
  note("second")
  process.nextTick(() => note("third"))
  await Promise.resolve()
  expect(done).toEqual([])
  await nextTurn()
  expect(done).toEqual(["first", "second", "third", "written"])
})

it("what is asked for while the end of a turn is worked on belongs to the next turn", async () => {
  const atEndOfTurn = EndOfTurn.make()
  const done: Array<string> = []
  atEndOfTurn(() => {
    done.push("first")
    atEndOfTurn(() => done.push("second"))
  })
  atEndOfTurn(() => done.push("also first"))
  await nextTurn()
  expect(done).toEqual(["first", "also first"])
  await nextTurn()
  expect(done).toEqual(["first", "also first", "second"])
})
