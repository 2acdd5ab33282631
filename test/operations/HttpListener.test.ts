import { connect, createServer, type AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as HttpListener from "../../src/operations/HttpListener.ts"
import { Problem } from "../../src/operations/Problem.ts"
import * as RawClient from "../gateway/RawClient.ts"

type Handler = HttpListener.Options<never>["handler"]

const listen = (handler: Handler, options: Partial<HttpListener.Options<never>> = {}) =>
  HttpListener.listen({
    port: 0,
    host: "127.0.0.1",
    setting: "port",
    shutdownGraceMillis: 10_000,
    handler,
    ...options
  })

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

describe("listening", () => {
  it.effect("fails on a taken port with an error that names the port, its setting and the remedy", () =>
    Effect.gen(function* () {
      const taken = yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = taken.address() as AddressInfo
      const error = yield* Effect.flip(listen(() => Effect.void, { port, setting: "metrics_port" }))
      assert.strictEqual(
        error.message,
        `cannot listen on 127.0.0.1:${port}: another program listens on it; set metrics_port to a free port`
      )
    })
  )

  it.effect("answers a defect of the handler with 500 and goes on", () =>
    Effect.gen(function* () {
      let broken = true
      const { port } = yield* listen((_, response) =>
        Effect.sync(() => {
          if (broken) throw new Error("secret detail")
          response.end("fine")
        })
      )
      const client = yield* RawClient.open(port)
      client.write(get)
      const answer = yield* client.until("}")
      assert.include(answer, " 500 ")
      assert.notInclude(answer, "secret detail")
      broken = false
      client.write(get)
      yield* client.until("fine")
    })
  )

  it.effect("answers a problem with its status and headers", () =>
    Effect.gen(function* () {
      const problem = new Problem({
        status: 418,
        kind: "teapot",
        title: "Teapot",
        detail: "Short and stout.",
        headers: { "X-Handle": "here" }
      })
      const { port } = yield* listen(() => problem)
      const client = yield* RawClient.open(port)
      client.write(get)
      const answer = yield* client.until("}")
      assert.match(answer, /^HTTP\/1\.1 418 /)
      assert.include(answer, "X-Handle: here\r\n")
      assert.include(answer, '"type":"urn:sluice:problem:teapot"')
    })
  )

  it.effect("breaks the connection when the handler fails in the middle of its answer", () =>
    Effect.gen(function* () {
      const { port } = yield* listen((_, response) =>
        Effect.andThen(
          Effect.sync(() => void response.write("half")),
          Effect.die("broken")
        )
      )
      const client = yield* RawClient.open(port)
      client.write(get)
      assert.isFalse((yield* client.closed).endsWith("0\r\n\r\n"))
    })
  )

  it.effect("answers headers that are too large with a problem", () =>
    Effect.gen(function* () {
      const { port } = yield* listen(() => Effect.never)
      const answer = yield* RawClient.roundTrip(
        port,
        `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`
      )
      assert.match(answer, /^HTTP\/1\.1 431 /)
      assert.include(answer, "urn:sluice:problem:headers-too-large")
    })
  )
})

describe("when the scope closes", () => {
  /** A listener whose one request has been started and waits for `finish`. */
  const withRunningRequest = Effect.gen(function* () {
    const started = yield* Deferred.make<void>()
    const finish = yield* Deferred.make<void>()
    const interrupted = yield* Deferred.make<void>()
    const scope = yield* Scope.make()
    const { port } = yield* listen((_, response) =>
      // Not at once: the test would go on in the middle of the server's event, where no close ever happens.
      Effect.yieldNow.pipe(
        Effect.andThen(Deferred.succeed(started, undefined)),
        Effect.andThen(Deferred.await(finish)),
        Effect.andThen(Effect.sync(() => void response.end("finished"))),
        Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
      )
    ).pipe(Scope.provide(scope))
    const idle = yield* RawClient.open(port)
    const client = yield* RawClient.open(port)
    client.write(get)
    yield* Deferred.await(started)
    const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
    return { port, idle, client, finish, interrupted, closing }
  })

  it.effect("running requests finish, and their connections end with them", () =>
    Effect.gen(function* () {
      const { client, closing, finish, idle } = yield* withRunningRequest
      yield* Deferred.succeed(finish, undefined)
      const answer = yield* client.closed
      assert.include(answer, "Connection: close\r\n")
      assert.isTrue(answer.endsWith("finished"))
      yield* Fiber.join(closing)
      yield* idle.closed
    })
  )

  it.effect("an answer on its way to a slow reader arrives whole", () =>
    Effect.gen(function* () {
      const size = 30_000_000
      const ended = yield* Deferred.make<void>()
      const scope = yield* Scope.make()
      const { port } = yield* listen((_, response) =>
        Effect.yieldNow.pipe(
          Effect.andThen(Effect.sync(() => void response.end(Buffer.alloc(size, "x")))),
          Effect.andThen(Deferred.succeed(ended, undefined))
        )
      ).pipe(Scope.provide(scope))
      const client = yield* RawClient.open(port)
      client.socket.pause()
      client.write(get)
      yield* Deferred.await(ended)
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      client.socket.resume()
      assert.isAbove((yield* client.closed).length, size)
      yield* Fiber.join(closing)
    })
  )

  it.effect("nobody can connect any more", () =>
    Effect.gen(function* () {
      const { closing, finish, port } = yield* withRunningRequest
      const refused = yield* Effect.callback<string>((resume) => {
        const socket = connect(port, "127.0.0.1")
        socket.on("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(String(error.code))))
      })
      assert.strictEqual(refused, "ECONNREFUSED")
      yield* Deferred.succeed(finish, undefined)
      yield* Fiber.join(closing)
    })
  )

  it.effect("what still runs after the grace is interrupted", () =>
    Effect.gen(function* () {
      const { client, closing, interrupted } = yield* withRunningRequest
      yield* TestClock.adjust("10 seconds")
      yield* Deferred.await(interrupted)
      assert.strictEqual(yield* client.closed, "")
      yield* Fiber.join(closing)
    })
  )
})
