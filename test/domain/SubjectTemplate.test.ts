import { Option, Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as FunctionName from "../../src/domain/FunctionName.ts"
import * as SubjectTemplate from "../../src/domain/SubjectTemplate.ts"
import { functionNames } from "./arbitraries.ts"

const make = (template: string, queue = "faas-request") =>
  Result.getOrThrow(SubjectTemplate.make(template, queue))

const byDefault = make("{queue}.{function}.{namespace}")

const templates = fc.constantFrom(
  byDefault,
  make("{queue}.{namespace}.{function}"),
  make("faas-request.v1.{function}.to.{namespace}.now")
)

describe("SubjectTemplate", () => {
  it("writes the dots of a function's name as =", () => {
    expect(byDefault.subject({ name: "a.b", namespace: "fn" })).toBe("faas-request.a=b.fn")
  })

  it("gives each function a subject of its own, and finds the function of the subject", () => {
    fc.assert(
      fc.property(templates, functionNames, functionNames, (template, fn, other) => {
        const subject = template.subject(fn)
        expect(template.parse(subject)).toEqual(Option.some(fn))
        expect(subject === template.subject(other)).toBe(FunctionName.key(fn) === FunctionName.key(other))
        expect(subject).toMatch(/^[A-Za-z0-9_=-]+(\.[A-Za-z0-9_=-]+)+$/)
        expect(subject.startsWith(`${template.prefix}.`)).toBe(true)
      })
    )
  })

  it("is the same for another queue, but for the queue", () => {
    fc.assert(
      fc.property(templates, functionNames, (template, fn) => {
        const other = template.ofQueue("slow-jobs")
        expect(other.subject(fn)).toBe(template.subject(fn).replace("faas-request", "slow-jobs"))
        expect(other.parse(other.subject(fn))).toEqual(Option.some(fn))
        expect(Option.isNone(other.parse(template.subject(fn)))).toBe(true)
      })
    )
  })

  it("finds a function only in the subjects it makes", () => {
    const token = fc.constantFrom(
      "faas-request",
      "other",
      "v1",
      "to",
      "now",
      "a",
      "a=b",
      "=a",
      "a==b",
      "*",
      ">",
      ""
    )
    const subjects = fc.array(token, { minLength: 1, maxLength: 6 }).map((tokens) => tokens.join("."))
    fc.assert(
      fc.property(templates, subjects, (template, subject) => {
        const fn = template.parse(subject)
        if (Option.isSome(fn)) expect(template.subject(fn.value)).toBe(subject)
      }),
      { numRuns: 2000 }
    )
  })

  it.each([
    "faas-request",
    "faas-request.echo",
    "faas-request.echo.fn.more",
    "other.echo.fn",
    "faas-request.echo.a=b",
    "faas-request.=a.fn",
    "faas-request.*.fn",
    "faas-request.echo.>",
    "faas-request..fn",
    ""
  ])("finds no function in %j", (subject) => {
    expect(byDefault.parse(subject)).toEqual(Option.none())
  })

  it.each([
    ["{queue}.{function}.{namespace}", "faas-request"],
    ["{queue}.v1.{namespace}.{function}", "faas-request.v1"],
    ["{queue}.{namespace}.v1.{function}", "faas-request"]
  ])("knows what all subjects of %s begin with", (template, prefix) => {
    expect(make(template).prefix).toBe(prefix)
  })

  it.each([
    ["", '"{queue}"'],
    ["{function}.{queue}.{namespace}", '"{queue}"'],
    ["other.{function}.{namespace}", '"{queue}"'],
    ["{queue}.{namespace}", '"{function}"'],
    ["{queue}.{function}", '"{namespace}"'],
    ["{queue}.{function}.{function}.{namespace}", '"{function}"'],
    ["{queue}.fn-{function}.{namespace}", '"{function}"'],
    ["{queue}.{function}.{namespace}.{partition}", '"{partition}"'],
    ["{queue}.{function}.{namespace}.>", '">"'],
    ["{queue}.{function}.{namespace}.*", '"*"'],
    ["{queue}..{function}.{namespace}", '""'],
    ["{queue}.{function}.{namespace}.a b", '"a b"']
  ])("refuses %j and names %s", (template, named) => {
    expect(SubjectTemplate.make(template, "faas-request")).toEqual(
      Result.fail(expect.stringContaining(named))
    )
  })
})
