import { expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { Gate } from "./Gate.ts"
import * as HttpFunction from "./HttpFunction.ts"

const call = (url: string, init?: RequestInit) =>
  Effect.promise(() =>
    fetch(url, init).then(async (answer) => ({ status: answer.status, body: await answer.text() }))
  )

it.effect("records what arrives and answers as it is told", () =>
  Effect.gen(function* () {
    const fn = yield* HttpFunction.start({
      answer: (_, response) => void response.writeHead(201).end("made")
    })
    const answer = yield* call(`${fn.url}/a?b=1`, { method: "POST", body: "in", headers: { "X-Thing": "1" } })
    expect(answer).toEqual({ status: 201, body: "made" })

    const [request] = yield* fn.received(1)
    expect(request).toMatchObject({ method: "POST", url: "/a?b=1", body: Buffer.from("in") })
    expect(request?.header("X-THING")).toBe("1")
    yield* fn.ended(1)
    expect(request?.answered).toBe(true)
  })
)

it.effect("a gate holds requests, and the most at once is remembered for each path", () =>
  Effect.gen(function* () {
    const gate = new Gate()
    const fn = yield* HttpFunction.start({
      answer: (_, response) => gate.pass().then(() => void response.end())
    })
    const paths = ["/a", "/a", "/b"]
    const calls = yield* Effect.forEach(paths, (path) => Effect.forkChild(call(fn.url + path)))
    yield* fn.received(3)
    expect([fn.inFlight("/a"), fn.inFlight("/b"), fn.inFlight()]).toEqual([2, 1, 3])

    gate.release(1)
    yield* fn.ended(1)
    expect(gate.held).toBe(2)
    gate.open()
    yield* Effect.forEach(calls, Fiber.join)
    yield* fn.ended(3)
    expect([fn.inFlight(), fn.maxInFlight("/a"), fn.maxInFlight("/b"), fn.maxInFlight()]).toEqual([
      0, 2, 1, 3
    ])
  })
)

it.effect("a handler that throws is answered with 500", () =>
  Effect.gen(function* () {
    const fn = yield* HttpFunction.start({
      answer: () => {
        throw new Error("no idea")
      }
    })
    expect(yield* call(fn.url)).toEqual({ status: 500, body: "Error: no idea" })
  })
)

it.effect("closing the scope cuts the requests it holds", () =>
  Effect.gen(function* () {
    const gate = new Gate()
    const scope = yield* Scope.make()
    const fn = yield* Scope.provide(HttpFunction.start({ answer: () => gate.pass() }), scope)
    const held = yield* Effect.forkChild(Effect.exit(call(fn.url)), { startImmediately: true })
    yield* fn.received(1)
    yield* Scope.close(scope, Exit.void)
    expect(Exit.isFailure(yield* Fiber.join(held))).toBe(true)
    expect(fn.requests[0]?.answered).toBe(false)
  })
)
