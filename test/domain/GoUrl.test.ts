import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as GoUrl from "../../src/domain/GoUrl.ts"

const parts = (url: Partial<GoUrl.GoUrl>): GoUrl.GoUrl => ({
  ...Result.getOrThrow(GoUrl.fromUrl("http://h")),
  ...url
})

const refused = (reason: string) => Result.fail(expect.stringContaining(reason))

describe("GoUrl", () => {
  it.each([
    [
      "http://receiver.default:8080/done?job=7",
      { Path: "/done", RawQuery: "job=7", Host: "receiver.default:8080" }
    ],
    ["HTTPS://h/", { Scheme: "https", Path: "/" }],
    ["http://h", { Path: "" }],
    ["http://h?", { Path: "", ForceQuery: true }],
    ["http://h/a%20b", { Path: "/a b", RawPath: "" }],
    ["http://h/a%2Fb", { Path: "/a/b", RawPath: "/a%2Fb" }],
    ["http://h/a%2fb", { Path: "/a/b", RawPath: "/a%2fb" }],
    ["http://h/(a)", { Path: "/(a)", RawPath: "/(a)" }],
    ["http://h/%C3%A9", { Path: "/é", RawPath: "" }],
    ["http://h/é", { Path: "/é", RawPath: "/é" }],
    ["http://h/%FF", { Path: "/\ufffd", RawPath: "/%FF" }],
    ["http://h/a#frag%20ment", { Fragment: "frag ment", RawFragment: "" }],
    ["http://h/a#'x'", { Fragment: "'x'", RawFragment: "'x'" }],
    ["http://h/?a=%zz", { RawQuery: "a=%zz" }],
    ["http://[::1]:80/", { Host: "[::1]:80" }]
  ])("takes %s apart as Go does", (text, expected) => {
    expect(GoUrl.fromUrl(text)).toMatchObject(Result.succeed(expected))
  })

  it.each([
    ["/relative", "absolute"],
    ["", "absolute"],
    ["example.com/x", "absolute"],
    ["//example.com/x", "absolute"],
    ["mailto:someone@example.com", "absolute"],
    ["http:opaque", "absolute"],
    ["ftp://h/x", "absolute"],
    ["file:///etc/passwd", "absolute"],
    ["http:///path", "absolute"],
    [" http://h", "absolute"],
    ["http://user:secret@h/", "credentials"],
    ["http://@h/", "credentials"],
    ["http://h/%zz", "hexadecimal"],
    ["http://h/#%", "hexadecimal"],
    ["http://h/a\r\nb", "control"],
    ["http://a b/", "host"],
    ["http://h\\@evil/", "credentials"],
    ["http://h\\evil/", "host"],
    ["http://h:port/", "host or port"],
    ["http://h:99999/", "host or port"]
  ])("refuses %j: %s", (text, reason) => {
    expect(GoUrl.fromUrl(text)).toEqual(refused(reason))
    expect(GoUrl.toUrl(text)).toEqual(refused(reason))
  })

  it("never repeats credentials in the reason", () => {
    expect(JSON.stringify(GoUrl.fromUrl("http://user:secret@h/"))).not.toContain("secret")
  })

  it.each([
    [{ Path: "/a/b", RawPath: "/a%2Fb" }, "http://h/a%2Fb"],
    [{ Path: "/a/b", RawPath: "/other" }, "http://h/a/b"],
    [{ Path: "/a b", RawPath: "/a b" }, "http://h/a%20b"],
    [{ Path: "/a%b", RawPath: "/a%b" }, "http://h/a%25b"],
    [{ Path: "/a?b#c" }, "http://h/a%3Fb%23c"],
    [{ Path: "a" }, "http://h/a"],
    [{ Path: "", RawQuery: "a=1" }, "http://h?a=1"],
    [{ Path: "/", ForceQuery: true }, "http://h/?"],
    [{ Path: "/", RawQuery: "q=é #\n" }, "http://h/?q=%C3%A9%20%23%0A"],
    [{ Path: "/", Fragment: "a/b", RawFragment: "a%2Fb" }, "http://h/#a%2Fb"],
    [{ Path: "/", User: {} }, "http://h/"]
  ])("writes %j as Go does", (url, text) => {
    expect(GoUrl.toUrl(parts(url))).toEqual(Result.succeed(text))
  })

  it.each([
    [{ Scheme: "" }, "absolute"],
    [{ Scheme: "mailto", Opaque: "a@b" }, "absolute"],
    [{ Opaque: "x" }, "absolute"],
    [{ Host: "" }, "absolute"],
    [{ Host: "user@h" }, "host"],
    [{ Host: "h/path" }, "host"],
    [{ Host: "h\n" }, "host"],
    [{ Host: "h:port" }, "host or port"]
  ])("refuses to write %j: %s", (url, reason) => {
    expect(GoUrl.toUrl(parts(url))).toEqual(refused(reason))
  })

  it("writes every URL it takes apart as it was, and with the same meaning through JSON", () => {
    const segment = fc.oneof(
      fc.stringMatching(/^[A-Za-z0-9\-._~!$&'()*+,;=:@[\]]{0,6}$/),
      fc.string({ unit: "grapheme", maxLength: 3 }).map(encodeURIComponent),
      fc.constantFrom("%2F", "%2f", "%FF", "%3F", "%25")
    )
    const urls = fc
      .tuple(
        fc.constantFrom("http", "https"),
        fc.constantFrom("h", "a.b:8080", "[::1]:1", "127.0.0.1"),
        fc.array(segment).map((segments) => segments.map((part) => `/${part}`).join("")),
        fc.option(
          fc.stringMatching(/^[A-Za-z0-9=&%+?/]{0,8}$/).map((query) => `?${query}`),
          { nil: "" }
        )
      )
      .map(([scheme, host, path, query]) => `${scheme}://${host}${path}${query}`)
    fc.assert(
      fc.property(urls, (text) => {
        const url = Result.getOrThrow(GoUrl.fromUrl(text))
        expect(GoUrl.toUrl(url)).toEqual(Result.succeed(text))
        expect(GoUrl.toUrl(text)).toEqual(Result.succeed(text))
        expect(GoUrl.fromJson(JSON.parse(JSON.stringify(url)))).toEqual(Result.succeed(url))
      })
    )
  })

  it("reads JSON with keys in any case, absent and null fields", () => {
    expect(GoUrl.fromJson({ scheme: "http", HOST: "h", Path: null, other: 1 })).toEqual(
      Result.succeed(parts({}))
    )
  })

  it.each([{ Scheme: 1 }, { ForceQuery: "true" }, { Path: ["/"] }, { Host: {} }])(
    "refuses the JSON %j",
    (json) => {
      expect(GoUrl.fromJson(json)).toEqual(refused("type"))
    }
  )
})
