import { readFileSync } from "node:fs"
import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Call from "../../src/domain/Call.ts"
import * as GoUrl from "../../src/domain/GoUrl.ts"
import * as Headers from "../../src/domain/Headers.ts"

const fixtures: ReadonlyArray<{ readonly name: string; readonly raw: string }> = JSON.parse(
  readFileSync(new URL("../fixtures/queue-requests.json", import.meta.url), "utf8")
)

const fixture = (name: string): string => fixtures.find((fixture) => fixture.name === name)?.raw ?? ""

const bytes = (text: string) => Buffer.from(text)
const decoded = (text: string) => Result.getOrThrow(Call.decode(bytes(text)))
const json = (data: Uint8Array): unknown => JSON.parse(Buffer.from(data).toString())
const message = (fields: Record<string, unknown>) =>
  JSON.stringify({ Method: "POST", Function: "echo", ...fields })

const reasonFor = (text: string | Uint8Array): string =>
  Result.match(Call.decode(Buffer.from(text)), { onFailure: (reason) => reason, onSuccess: () => "decoded" })

describe("Call", () => {
  it.each(fixtures)("writes Go's encoding of $name as it was", ({ raw }) => {
    expect(json(Call.encode(decoded(raw)))).toEqual(JSON.parse(raw))
  })

  it("reads the fields of a typical call", () => {
    const call = decoded(fixture("typical"))
    expect(call).toMatchObject({
      method: "POST",
      function: "figlet",
      host: "gateway.openfaas:8080",
      path: "",
      queryString: "",
      queueName: "faas-request",
      annotations: {},
      callbackUrl: { Host: "receiver.default:8080" }
    })
    expect(Buffer.from(call.body).toString()).toBe("hello")
    expect(Call.callId(call)).toBe("9b5e9a1e-6f8b-4d27-a0fb-6b1f6f0f3a10")
  })

  it("reads all 256 byte values of a body", () => {
    expect([...decoded(fixture("binary-body")).body]).toEqual(Array.from({ length: 256 }, (_, byte) => byte))
  })

  it.each([
    ["typical", Result.succeed("http://receiver.default:8080/done?job=7")],
    ["callback-escaped-path", Result.succeed("https://hooks.example.com/a%2Fb/c%20d?e=f%26g#frag%20ment")],
    ["callback-relative", Result.fail(expect.stringContaining("absolute"))],
    ["callback-opaque", Result.fail(expect.stringContaining("absolute"))]
  ])("rebuilds the callback URL of %s", (name, url) => {
    expect(GoUrl.toUrl(decoded(fixture(name)).callbackUrl ?? "")).toEqual(url)
  })

  it("reads keys in any case, and the last one wins, as Go does", () => {
    const call = decoded('{"METHOD":"PUT","function":"a","FUNCTION":"b","callbackurl":"http://h/"}')
    expect(call).toMatchObject({ method: "PUT", function: "b", callbackUrl: "http://h/", unknown: {} })
    expect(decoded(message({ CallbackURL: { Scheme: "http", host: "h" } })).callbackUrl).toMatchObject({
      Host: "h"
    })
  })

  it("takes null for absent", () => {
    const fields = [
      "Header",
      "Host",
      "Body",
      "Path",
      "QueryString",
      "QueueName",
      "Annotations",
      "CallbackUrl"
    ]
    const nulls = Object.fromEntries(fields.map((field) => [field, null]))
    expect(json(Call.encode(decoded(message(nulls))))).toEqual({ Method: "POST", Function: "echo" })
    const call = decoded(message({ Header: { A: null, B: ["1"] }, Labels: { a: null, b: "1" } }))
    expect(call).toMatchObject({ header: { B: ["1"] }, labels: { b: "1" } })
  })

  it("takes a missing method for POST and finds no call id without the header", () => {
    const call = decoded('{"Function":"echo","Header":{"x-call-id":[]}}')
    expect(call.method).toBe("POST")
    expect(Call.callId(call)).toBeUndefined()
    expect(Call.callId(decoded(message({ Header: { "x-call-id": ["1", "2"] } })))).toBe("1")
  })

  it("reads base64 with line breaks, as Go does", () => {
    expect(Buffer.from(decoded(message({ Body: "aGVs\r\nbG8=\n" })).body).toString()).toBe("hello")
  })

  it.each([
    ["", "the message is empty"],
    [" ", "not a JSON object"],
    ["null", "not a JSON object"],
    ["[]", "not a JSON object"],
    ['"x"', "not a JSON object"],
    ["{}", "names no Function"],
    ["not JSON", "not a JSON object"],
    [fixture("typical").slice(0, -1), "not a JSON object"],
    [message({ Function: "" }), "names no Function"],
    [message({ Function: 1 }), "Function is not a string"],
    [message({ Method: "GET /\r\n" }), "Method is not an HTTP method"],
    [message({ Header: [] }), "Header is not"],
    [message({ Header: { A: "1" } }), "Header is not"],
    [message({ Header: { A: [1] } }), "Header is not"],
    [message({ Host: {} }), "Host is not a string"],
    [message({ Path: 1 }), "Path is not a string"],
    [message({ Body: [1, 2] }), "Body is not a base64 string"],
    [message({ Body: "aGVsbG8" }), "Body is not base64"],
    [message({ Body: "aGVs*G8=" }), "Body is not base64"],
    [message({ Body: "a" }), "Body is not base64"],
    [message({ Body: "aGVsbG8=aGVsbG8=" }), "Body is not base64"],
    [message({ Annotations: { a: 1 } }), "Annotations is not"],
    [message({ Labels: "a" }), "Labels is not"],
    [message({ Environment: ["a"] }), "Environment is not"],
    [message({ CallbackUrl: 1 }), "CallbackUrl is neither"],
    [message({ CallbackUrl: { Host: 1 } }), "CallbackUrl is not a URL"]
  ])("refuses %j: %s", (text, reason) => {
    expect(reasonFor(text)).toContain(reason)
  })

  it("refuses garbage without throwing, and every truncation of a real message", () => {
    fc.assert(fc.property(fc.uint8Array(), (data) => typeof reasonFor(data) === "string"))
    const whole = bytes(fixture("typical"))
    for (let length = 0; length < whole.length; length++) {
      expect(reasonFor(whole.subarray(0, length))).not.toBe("decoded")
    }
  })

  it("tells nobody the body or a header's value when it refuses a message", () => {
    const secret = "c2VjcmV0"
    const broken = [
      message({ Body: secret, Header: { Authorization: [secret] } }).replace("}}", "}"),
      message({ Body: `${secret}!` }),
      message({ Header: { Authorization: secret } }),
      message({ Annotations: { a: [secret] } }),
      message({ CallbackUrl: { Host: [secret] } }),
      secret
    ]
    for (const text of broken) {
      expect(reasonFor(text)).not.toBe("decoded")
      expect(reasonFor(text)).not.toContain(secret)
    }
  })

  it("keeps every call through the queue: bodies, headers, texts and unknown keys", () => {
    const text = fc.string({ unit: "grapheme" })
    const record = fc.dictionary(fc.string(), text)
    const known = new Set([
      "header",
      "host",
      "body",
      "method",
      "path",
      "querystring",
      "function",
      "queuename",
      "annotations",
      "labels",
      "environment",
      "callbackurl"
    ])
    const calls: fc.Arbitrary<Call.Call> = fc.record({
      method: fc.constantFrom("POST", "GET", "PATCH"),
      function: fc.string({ minLength: 1 }),
      header: fc.dictionary(fc.string(), fc.array(text)),
      host: text,
      body: fc.uint8Array({ maxLength: 2000 }).map((body) => Buffer.from(body)),
      path: text,
      queryString: text,
      queueName: text,
      annotations: record,
      labels: record,
      environment: record,
      callbackUrl: fc.constantFrom(
        undefined,
        "http://h/",
        Result.getOrThrow(GoUrl.fromUrl("http://h/a%2Fb?c#d"))
      ),
      unknown: fc.dictionary(
        fc.string().filter((key) => !known.has(key.toLowerCase())),
        fc.json().map((text): unknown => JSON.parse(text))
      )
    })
    fc.assert(
      fc.property(calls, (call) => {
        expect(Result.getOrThrow(Call.decode(Call.encode(call)))).toEqual(call)
      })
    )
  })

  it("keeps an unknown key called __proto__", () => {
    const text = '{"Method":"POST","Function":"echo","__proto__":{"a":1}}'
    expect(Buffer.from(Call.encode(decoded(text))).toString()).toContain('"__proto__":{"a":1}')
  })

  it("carries é 日本 in a header from the caller to the function as the same bytes", () => {
    const raw = ["X-Name", Buffer.from("é 日本").toString("latin1")]
    const queued = Call.encode({ ...decoded(message({})), header: Headers.fromRaw(raw) })
    expect(Headers.toWire(Result.getOrThrow(Call.decode(queued)).header).headers).toEqual(raw)
  })
})
