import { expect, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import * as App from "../../src/App.ts"
import { Nats } from "../../src/queue/Nats.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import { WakeUps } from "../../src/queue/WakeUps.ts"
import { ArrivalCounter } from "../support/ArrivalCounter.ts"
import * as LimitedUser from "../support/LimitedUser.ts"
import { startNats } from "../support/NatsServers.ts"
import { natsClient, run, settings } from "../support/Sluice.ts"

it.live("the last wake-up of a burst leaves before the connection is closed, and none after it", () =>
  Effect.gen(function* () {
    const nats = yield* startNats()
    const { connection } = yield* natsClient(nats.url)
    const heard: Array<string> = []
    const arrivals = new ArrivalCounter()
    connection.subscribe("sluice.wake.faas-request", {
      callback: (_, message) => {
        heard.push(message.string())
        arrivals.add()
      }
    })
    yield* Effect.promise(() => connection.flush())

    const scope = yield* Scope.make()
    const queue = App.queue(settings("gateway", { NATS_URL: nats.url }), "gateway", "memory")
    const context = yield* Layer.buildWithScope(Layer.provide(queue, QueueHealth.layer), scope)
    const wakeUps = Context.get(context, WakeUps)
    for (const subject of ["a", "a", "a", "b"]) wakeUps.send(subject)
    yield* Scope.close(scope, Exit.void)
    yield* arrivals.atLeast(3)
    yield* Effect.promise(() => connection.flush())
    expect(heard).toEqual(["a", "b", "a"])
  })
)

it.live("a server that allows no wake-ups does no harm, and the log says what it should allow", () =>
  Effect.gen(function* () {
    const { limitedUrl, url } = yield* LimitedUser.start({ subscribe: ["sluice.wake.>"] })
    const queue = App.queue(settings("gateway", { NATS_URL: limitedUrl }), "gateway", "memory")
    const { context, log } = yield* run(Layer.provide(queue, QueueHealth.layer))
    const heard: Array<string> = []
    yield* Context.get(context, WakeUps).listen((subject) => heard.push(subject))
    const { connection } = Context.get(context, Nats)
    yield* Effect.promise(() => connection.flush())
    const stranger = yield* natsClient(url)
    stranger.connection.publish("sluice.wake.faas-request", "a")
    yield* Effect.promise(() => stranger.connection.flush())
    yield* Effect.promise(() => connection.flush())
    expect(heard).toEqual([])
    expect(Context.get(context, Nats).connected()).toBe(true)
    const { fields } = yield* log.line("NATS does not let programs of Sluice hear each other")
    expect(fields["reason"]).toMatch(/^Permissions Violation for Subscription to "sluice\.wake\..* sluice\.>/)
  })
)
