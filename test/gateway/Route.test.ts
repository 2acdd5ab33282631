import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { route } from "../../src/gateway/Route.ts"

const at = (method: string, url: string) => route(method, url, "openfaas-fn")

const urlText = (characters: string) => fc.string({ unit: fc.constantFrom(...characters), maxLength: 30 })

describe("the route of a request", () => {
  it.each<[string, "Async" | "Sync", string, string, string, string]>([
    ["/async-function/echo", "Async", "echo", "openfaas-fn", "", ""],
    ["/async-function/echo/", "Async", "echo", "openfaas-fn", "/", ""],
    ["/async-function/echo/any/sub", "Async", "echo", "openfaas-fn", "/any/sub", ""],
    ["/async-function/echo.staging/a?b=c", "Async", "echo", "staging", "/a", "b=c"],
    ["/async-function/hr.pay-roll_2.staging?x", "Async", "hr.pay-roll_2", "staging", "", "x"],
    ["/async-function/echo?", "Async", "echo", "openfaas-fn", "", ""],
    ["/async-function/echo?a=/b?c", "Async", "echo", "openfaas-fn", "", "a=/b?c"],
    [
      "/function/echo//a/../b;c=%2F%c3%a9?d=%20+",
      "Sync",
      "echo",
      "openfaas-fn",
      "//a/../b;c=%2F%c3%a9",
      "d=%20+"
    ],
    ["http://gateway:8080/function/echo/a", "Sync", "echo", "openfaas-fn", "/a", ""]
  ])("POST %s", (url, tag, name, namespace, path, query) => {
    const target = at("POST", url)
    assert.include(target, { _tag: tag, path, query })
    assert.deepEqual("fn" in target ? target.fn : undefined, { name, namespace })
  })

  it("keeps the function's name as it was written", () => {
    assert.include(at("POST", "/async-function/echo.openfaas-fn"), { functionText: "echo.openfaas-fn" })
    assert.include(at("POST", "/async-function/echo"), { functionText: "echo" })
  })

  it.each(["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])("an asynchronous call is no %s", (method) => {
    assert.deepEqual(at(method, "/async-function/echo"), {
      _tag: "MethodNotAllowed",
      way: "Async",
      allow: "POST"
    })
    assert.include(at(method, "/function/echo"), { _tag: "Sync" })
  })

  it.each([
    "/",
    "*",
    "/async-function",
    "/async-function/",
    "/function/?a",
    "//function/echo",
    "/functions/echo",
    "/system/functions",
    "/x/function/echo",
    "/Function/echo"
  ])("there is nothing at %s", (url) => assert.deepEqual(at("POST", url), { _tag: "NotFound" }))

  it.each([
    "..",
    ".",
    ".a",
    "a.",
    "a..b",
    "a%2Fb",
    "a%2e",
    "%65cho",
    "a*",
    "a>",
    "a b",
    "a#b",
    "a\\b",
    "a\x01",
    "a\nb",
    "é",
    "a:b",
    "a".repeat(200)
  ])("the name %j is refused", (name) => {
    assert.include(at("POST", `/async-function/${name}/x`), { _tag: "Bad", way: "Async" })
    assert.include(at("GET", `/function/${name}?x`), { _tag: "Bad", way: "Sync" })
  })

  it("keeps path and query byte for byte", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("/function/", "/async-function/"),
        urlText("ab/.%2Fe9:;@&=+$,!~*'()-_[]|^{}\"<>\\"),
        urlText("ab/.%2F?:;@&=+$,!~*'()-_#"),
        (prefix, path, query) => {
          const target = at("POST", `${prefix}echo/${path}?${query}`)
          assert.include(target, { path: `/${path}`, query })
        }
      )
    )
  })
})
