import { readdir } from "node:fs/promises"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { start } from "../../src/natsserver/NatsServer.ts"
import { isRunning } from "../support/IsRunning.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

const connected = (url: string) =>
  Effect.acquireRelease(
    Effect.promise(() => connect({ servers: url, reconnect: false })),
    (connection) => Effect.promise(() => connection.close())
  )

const streams = (url: string) =>
  Effect.flatMap(connected(url), (connection) =>
    Effect.promise(async () => (await jetstreamManager(connection)).streams)
  )

describe.each(servers)("$name", ({ bin }) => {
  it.effect(
    "accepts connections, with JetStream and the added configuration, as soon as it has started",
    () =>
      Effect.gen(function* () {
        const server = yield* start({ bin, config: "max_payload: 2MB" })
        const connection = yield* connected(server.url)
        expect(connection.info).toMatchObject({
          jetstream: true,
          max_payload: 2 * 1024 * 1024,
          port: server.port
        })
      })
  )

  it.effect("keeps its port and its streams over a kill and a restart", () =>
    Effect.gen(function* () {
      const server = yield* start({ bin })
      const firstPid = yield* server.pid
      const before = yield* streams(server.url)
      yield* Effect.promise(() => before.add({ name: "KEPT", subjects: ["kept"] }))

      yield* server.kill
      yield* server.restart

      expect(yield* server.pid).not.toBe(firstPid)
      const after = yield* streams(server.url)
      const info = yield* Effect.promise(() => after.info("KEPT"))
      expect(info.config.subjects).toEqual(["kept"])
    })
  )

  it.effect("can be stopped while it is suspended", () =>
    Effect.gen(function* () {
      const server = yield* start({ bin })
      yield* server.suspend
      yield* server.stop
      expect(isRunning((yield* server.pid) ?? 0)).toBe(false)
    })
  )

  it.effect("says why it could not start, in the server's own words", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(start({ bin, config: "no_such_field: 1" }))
      expect(error.message).toContain("ended at start with exit code 1")
      expect(error.message).toContain(`unknown field "no_such_field"`)
    })
  )
})

it.effect("a server is gone when its scope has closed, and a store it was given stays", () =>
  Effect.gen(function* () {
    const storeDir = yield* temporaryDirectory
    const scope = yield* Scope.make()
    const server = yield* Scope.provide(startNats({ storeDir }), scope)
    const pid = (yield* server.pid) ?? 0
    expect(isRunning(pid)).toBe(true)

    yield* Scope.close(scope, Exit.void)

    expect(isRunning(pid)).toBe(false)
    expect(yield* Effect.promise(() => readdir(storeDir))).toEqual(["jetstream"])
  })
)

it.effect("a server that cannot have its port says so", () =>
  Effect.gen(function* () {
    const { port } = yield* startNats()
    const error = yield* Effect.flip(startNats({ port }))
    expect(error.message).toContain("address already in use")
  })
)

it.effect("a program that cannot be started is an error and not a crash", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(start({ bin: "/nowhere/nats-server" }))
    expect(error.message).toContain("/nowhere/nats-server could not be started")
  })
)

it.effect("a server that ends by itself is noticed", () =>
  Effect.gen(function* () {
    const server = yield* startNats()
    const crash = yield* Effect.forkChild(Effect.flip(server.crashed), { startImmediately: true })
    process.kill((yield* server.pid) ?? 0, "SIGTERM")
    expect((yield* Fiber.join(crash)).message).toContain("Server Exiting")
  })
)
