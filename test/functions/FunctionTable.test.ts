import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parse } from "../../src/functions/FunctionTable.ts"

const table = (text: string) => Object.fromEntries(Result.getOrThrow(parse(text, "openfaas-fn")))

const mistakes = (text: string) =>
  Result.match(parse(text, "openfaas-fn"), {
    onSuccess: () => [],
    onFailure: (all) => all.map(({ line, column, text }) => `${line}:${column}: ${text}`)
  })

describe("a functions file", () => {
  it("lists functions with everything that belongs to them", () => {
    const text = `
functions:
  - name: echo
    url: http://127.0.0.1:9000/
  - name: hr.pay
    namespace: staging
    url: https://hr.example.com/base
    annotations: { com.openfaas.retry.attempts: 3, off: false }
    labels:
      version: 1.50
      empty: ""
    environment:
      max_inflight: 0x10
`
    assert.deepEqual(table(text), {
      "echo.openfaas-fn": {
        name: { name: "echo", namespace: "openfaas-fn" },
        url: "http://127.0.0.1:9000",
        annotations: {},
        labels: {},
        environment: {}
      },
      "hr.pay.staging": {
        name: { name: "hr.pay", namespace: "staging" },
        url: "https://hr.example.com/base",
        annotations: { "com.openfaas.retry.attempts": "3", off: "false" },
        labels: { version: "1.50", empty: "" },
        environment: { max_inflight: "0x10" }
      }
    })
  })

  it("may have no functions, and keys without a value", () => {
    assert.deepEqual(table("functions: []"), {})
    const { labels } = table("functions:\n- name: a\n  url: http://a\n  labels:\n")["a.openfaas-fn"] ?? {}
    assert.deepEqual(labels, {})
  })

  it("may name the namespace in the name, as a URL does", () => {
    assert.deepEqual(Object.keys(table("functions: [{ name: a.b, url: http://a }]")), ["a.b"])
  })

  it("has all its mistakes reported, each with its place", () => {
    const text = `functions:
  - name: a/b
    urll: http://x
    labels: [one]
    environment: { a: { b: c } }
  - nothing
  - name: ok
    url: ftp://x
  - { name: ok, namespace: openfaas-fn, url: http://b, namespaces: x }
  - name: c
    namespace: a.b
    url: http://c?query
other: 1
`
    const url = "it must be an absolute http:// or https:// URL without user, query and fragment"
    const name = `a function's name may hold only letters, digits, "-", "_" and "."`
    const found = mistakes(text)
    assert.deepEqual(
      found.filter((mistake) => !mistake.includes("functions[4].namespace")),
      [
        `2:5: functions[0].name is "a/b": ${name}`,
        "2:5: functions[0].url is missing",
        "3:5: functions[0].urll is no known key",
        "4:5: functions[0].labels is wrong: expected object",
        "5:20: functions[0].environment.a is wrong: expected string",
        "6:5: functions[1] is wrong: expected object",
        `8:5: functions[2].url is "ftp://x": ${url}`,
        "9:7: functions[3].name repeats ok.openfaas-fn of functions[2]",
        "9:56: functions[3].namespaces is no known key",
        `12:5: functions[4].url is "http://c?query": ${url}`,
        "13:1: other is no known key"
      ]
    )
    assert.isTrue(found.some((mistake) => mistake.startsWith('11:5: functions[4].namespace is "a.b"')))
  })

  it.each([
    ["", "1:1: the file is wrong"],
    ["- a", "1:1: the file is wrong"],
    ["functions:", "1:1: functions is missing"],
    ["functions: {}", "1:1: functions is wrong: expected array"],
    ["functions:\n- name: a\n  name: b", "3:3: Map keys must be unique"],
    ["functions: [\n", "2:1: "],
    ["functions: *nope", "1:1: "],
    ["functions:\n- url: http://a\n", "2:3: functions[0].name is missing"]
  ])("%j is refused", (text, expected) => {
    assert.lengthOf(mistakes(text), 1)
    assert.include(mistakes(text)[0], expected)
  })

  it.each([
    "x",
    "//a",
    "http:/a",
    "http://",
    "http://u:p@a",
    "http://a b",
    "http://a#b",
    "http://a?b",
    "http://a:99999",
    "http:\\\\a"
  ])("the URL %s is refused", (url) => {
    assert.lengthOf(mistakes(`functions: [{ name: a, url: ${JSON.stringify(url)} }]`), 1)
  })

  it("has no credentials shown in its mistakes", () => {
    const [mistake] = mistakes('functions: [{ name: a, url: "http://user:hush@a" }]')
    assert.include(mistake, '"http://***@a"')
  })
})
