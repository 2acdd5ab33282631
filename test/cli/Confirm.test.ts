import { PassThrough } from "node:stream"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { confirm } from "../../src/cli/Confirm.ts"

const answering = (answer: string | undefined) => {
  const input = new PassThrough()
  input.end(answer)
  return { input, output: new PassThrough(), isTerminal: true }
}

it.live.each([
  ["12\n", true],
  [" 12 \n", true],
  ["\n", false],
  ["yes\n", false],
  ["1\n", false],
  [undefined, false]
] as const)("what cannot be undone is asked for, and the answer %j goes on: %s", ([answer, goesOn]) =>
  Effect.gen(function* () {
    const terminal = answering(answer)
    const exit = yield* Effect.exit(confirm("remove 12 dead letters", 12, false, terminal))
    expect(exit._tag).toBe(goesOn ? "Success" : "Failure")
    expect(String(terminal.output.read())).toContain("remove 12 dead letters, for ever. Type 12 to go on: ")
  })
)

it.live("nobody is asked with --yes", () =>
  Effect.gen(function* () {
    const terminal = answering(undefined)
    yield* confirm("remove 12 dead letters", 12, true, terminal)
    expect(terminal.output.read()).toBeNull()
  })
)
