import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as FunctionName from "../../src/domain/FunctionName.ts"
import { functionNames, refusedNames } from "./arbitraries.ts"

const created = "2025-11-20T10:03:00.123456789Z"

describe("FunctionName", () => {
  it.each([
    ["echo", "echo", "openfaas-fn"],
    ["hr.staging", "hr", "staging"],
    ["a.b.c", "a.b", "c"],
    ["A_b-9", "A_b-9", "openfaas-fn"]
  ])("reads %s: the last dot separates the namespace", (text, name, namespace) => {
    expect(FunctionName.parse(text, "openfaas-fn")).toEqual(Result.succeed({ name, namespace }))
  })

  it.each(refusedNames)("refuses %j", (text) => {
    expect(FunctionName.parse(text, "fn")).toEqual(Result.fail(expect.stringMatching(/^a function/)))
  })

  it("refuses names and namespaces that are too long, and a default namespace that is none", () => {
    const name = "n".repeat(128)
    const namespace = "s".repeat(63)
    expect(Result.isSuccess(FunctionName.parse(`${name}.${namespace}`, "fn"))).toBe(true)
    expect(FunctionName.parse(`${name}n.${namespace}`, "fn")).toEqual(
      Result.fail(expect.stringContaining("128"))
    )
    expect(FunctionName.parse(`${name}.${namespace}s`, "fn")).toEqual(
      Result.fail(expect.stringContaining("63"))
    )
    expect(Result.isFailure(FunctionName.parse("echo", ""))).toBe(true)
    expect(Result.isFailure(FunctionName.parse("echo", "a.b"))).toBe(true)
  })

  it("has one key for each function, and reads it back", () => {
    fc.assert(
      fc.property(functionNames, (fn) => {
        expect(FunctionName.parse(FunctionName.key(fn), "other")).toEqual(Result.succeed(fn))
      })
    )
  })

  it("gives different functions, and different streams, different consumers", () => {
    // Few letters, so that the places of the separators are what differs.
    const part = fc.stringMatching(/^[a-]{1,3}$/)
    const close = fc.record({
      name: fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(".")),
      namespace: part
    })
    const time = fc.constantFrom(created, "2025-11-20T10:03:00.12345679Z", "2025-11-20T10:03:00Z")
    fc.assert(
      fc.property(close, time, close, time, (fn, at, other, otherAt) => {
        const same = FunctionName.key(fn) === FunctionName.key(other) && at === otherAt
        expect(FunctionName.consumerName(fn, at) === FunctionName.consumerName(other, otherAt)).toBe(same)
      }),
      { numRuns: 2000 }
    )
  })

  it("makes consumer names the server accepts", () => {
    fc.assert(
      fc.property(functionNames, (fn) => {
        const name = FunctionName.consumerName(fn, created)
        expect(name).toMatch(/^[A-Za-z0-9_=-]+$/)
        expect(name.length).toBeLessThanOrEqual(255)
      })
    )
  })

  it("makes the same consumer name however the server writes the same time", () => {
    const fn = { name: "echo", namespace: "fn" }
    const name = FunctionName.consumerName(fn, "2025-11-20T10:03:00.5Z")
    expect(FunctionName.consumerName(fn, "2025-11-20T10:03:00.500000000Z")).toBe(name)
    expect(FunctionName.consumerName(fn, "2025-11-20T11:03:00.5+01:00")).toBe(name)
    expect(() => FunctionName.consumerName(fn, "yesterday")).toThrow('stream creation time "yesterday"')
  })
})
