import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { sampleFunctions } from "../../src/demo/SampleFunctions.ts"
import { eventually } from "../support/Eventually.ts"
import { post } from "../support/Sluice.ts"
import * as DemoProgram from "./DemoProgram.ts"
import { elements } from "./Xml.ts"

/** The cells of a line of the summary, by the heads of their columns. */
const row = (stdout: string, name: string): Readonly<Record<string, string>> => {
  const cells = (start: string) =>
    stdout
      .split("\n")
      .findLast((line) => line.startsWith(`${start} `))
      ?.split(/ {2,}/) ?? []
  return Object.fromEntries(cells("function").map((head, index) => [head, cells(name)[index] ?? ""]))
}

const count = (cells: Readonly<Record<string, string>>, head: string) => Number(cells[head])

it.live(
  "a run ends by itself with sums that agree and a picture, and leaves nothing behind",
  () =>
    Effect.gen(function* () {
      const demo = yield* DemoProgram.start("--calls", "120", "--seed", "1")
      const { code, stderr, stdout } = yield* demo.ended
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^(accepted \d+, .*\n)+$/) })

      const all = row(stdout, "all")
      expect(all).toMatchObject({ accepted: "120", callbacks: "120" })
      expect(count(all, "succeeded") + count(all, "dead")).toBe(120)
      for (const head of ["accepted", "succeeded", "retried", "dead", "callbacks"]) {
        const parts = sampleFunctions.map(({ name }) => count(row(stdout, name), head))
        expect(parts.reduce((sum, part) => sum + part, 0)).toBe(count(all, head))
      }
      for (const { name } of sampleFunctions) expect(count(row(stdout, name), "accepted")).toBeGreaterThan(0)
      const broken = row(stdout, "broken")
      expect(broken).toMatchObject({
        succeeded: "0",
        dead: broken["accepted"],
        retried: broken["accepted"]
      })
      expect(stdout).toContain("Every accepted call is accounted for exactly once: 120 accepted")

      const picture = join(demo.directory, "sluice-demo.svg")
      expect(stdout).toContain(picture)
      expect(elements(yield* Effect.promise(() => readFile(picture, "utf8")))[0]).toBe("svg")
      expect(stdout).not.toContain("\u001b")
      expect(yield* demo.leftBehind).toEqual([])
    }),
  60_000
)

it.live(
  "a callback for a call that nobody posted is told, and the run ends with 1",
  () =>
    Effect.gen(function* () {
      const demo = yield* DemoProgram.start("--calls", "20")
      const [, receiver] = yield* demo.printed(/callbacks +(http:\S+)/)
      const headers = {
        "X-Call-Id": "stranger",
        "X-Function-Name": "echo",
        "X-Function-Status": "200",
        "X-Retry": "0",
        "X-Start-Time": "1"
      }
      expect((yield* post(receiver ?? "", { headers })).status).toBe(204)
      const { code, stderr, stdout } = yield* demo.ended
      expect(code).toBe(1)
      expect(stderr).toMatch(
        /sluice: the sums do not agree: \n {2}- stranger came back and nobody posted it\n$/
      )
      expect(stdout).not.toContain("accounted for exactly once")
      expect(yield* demo.leftBehind).toEqual([])
    }),
  60_000
)

it.live(
  "a signal in the middle stops everything, and nothing is left",
  () =>
    Effect.gen(function* () {
      const demo = yield* DemoProgram.start("--calls", "2000")
      yield* demo.printed(/accepted [1-9]/)
      yield* demo.signal("SIGINT")
      const { code, stderr, stdout } = yield* demo.ended
      expect(code).toBe(0)
      expect(stderr).toMatch(/\nStopped\. .*\n$/)
      expect(stdout).not.toContain("accounted for")
      expect(yield* demo.leftBehind).toEqual([])
    }),
  60_000
)

it.live(
  "nothing is left when it is killed hard",
  () =>
    Effect.gen(function* () {
      const demo = yield* DemoProgram.start("--calls", "2000")
      yield* demo.printed(/accepted [1-9]/)
      expect(yield* demo.leftBehind).not.toEqual([])
      yield* demo.signal("SIGKILL")
      yield* demo.ended
      yield* eventually(
        "its processes and files are gone",
        Effect.map(demo.leftBehind, (left) => left.length === 0)
      )
    }),
  60_000
)

it.live(
  "the end of a part in the middle is told, and nothing is left",
  () =>
    Effect.gen(function* () {
      const demo = yield* DemoProgram.start("--calls", "2000")
      const [, pid] = yield* demo.printed(/functions .*\(process (\d+)\)/)
      yield* demo.printed(/accepted [1-9]/)
      process.kill(Number(pid), "SIGTERM")
      const { code, stderr } = yield* demo.ended
      expect(code).toBe(2)
      expect(stderr).toContain("sluice: the sample functions ended too early")
      yield* eventually(
        "its processes are gone",
        Effect.map(demo.leftBehind, (left) => left.length === 0)
      )
    }),
  60_000
)

it.live("a picture that cannot be written is told before anything is started", () =>
  Effect.gen(function* () {
    const demo = yield* DemoProgram.start("--picture", "missing/demo.svg")
    const { code, stderr, stdout } = yield* demo.ended
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
    expect(stderr).toMatch(
      /^sluice: --picture="missing\/demo.svg" cannot be written .*: name a file in .*\n$/
    )
  })
)
