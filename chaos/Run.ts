import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Duration, Effect } from "effect"
import { check } from "./checker/Checker.ts"
import { unconserved } from "./checker/Conservation.ts"
import type { Rules, Violation } from "./checker/Rules.ts"
import { healthy } from "./faults/NatsFaults.ts"
import { strikeAll } from "./faults/Strike.ts"
import type { World } from "./faults/World.ts"
import * as Lateness from "./faults/Lateness.ts"
import type { Event } from "./history/Event.ts"
import { History } from "./history/History.ts"
import { calledFunctions } from "./plan/CalledFunction.ts"
import { type Plan, STORM } from "./plan/Plan.ts"
import * as Settings from "./plan/Settings.ts"
import * as Clients from "./world/Clients.ts"
import * as Functions from "./world/Functions.ts"
import { Gate } from "./world/Gate.ts"
import * as Nodes from "./world/Nodes.ts"
import * as Places from "./world/Places.ts"
import * as Receiver from "./world/Receiver.ts"
import * as Streams from "./world/Streams.ts"
import { Turn } from "./world/Turn.ts"

export interface Finished {
  readonly plan: Plan
  readonly events: ReadonlyArray<Event>
  readonly rules: Rules
  readonly violations: ReadonlyArray<Violation>
  /** from the last heal to the end of the last call, milliseconds */
  readonly settledIn: number
}

/** Milliseconds over which calls are posted after the storm. */
const CALM = 1_000
/** A fault that waits for its moment waits so much longer than calls are posted, milliseconds. */
const LATE_CALLS = 1_500
/** Everything has settled so many milliseconds after the last heal, also on a machine with much to do. */
const BOUND = 30_000
const LOOK = 100
/** What is on its way arrives meanwhile, milliseconds. */
const QUIET = 250
/** One look takes a while, and on a machine with much to do it takes several until everything has come to rest. */
const QUIET_AT_MOST = 10_000

/** One run: everything in processes of its own, a storm of faults, calm, and a look at what became of each call. */
export const run = Effect.fnUntraced(function* (plan: Plan, bin: string, directory: string) {
  const history = new History(join(directory, "history.jsonl"))
  yield* Effect.addFinalizer(() => Effect.promise(() => history.close()))
  const gate = new Gate()
  const calls = [...plan.calls.stormy, ...plan.calls.calm]
  const callsById = new Map(calls.map((call) => [call.id, call]))
  const functions = yield* Functions.start(history, callsById, gate)
  const receiver = yield* Receiver.start(history, callsById, gate)
  const nodes = yield* Nodes.start({ bin, directory, syncAlways: plan.syncAlways, topology: plan.topology })
  const natsPorts = nodes.all.map(({ server }) => server.port)
  const streams = yield* within(Streams.open(natsPorts, history), "the streams cannot be looked at")
  const places = yield* within(
    startPlaces(plan, directory, natsPorts, functions.urls, history),
    "the programs do not get ready"
  )
  yield* Effect.addFinalizer(() =>
    Effect.promise(() =>
      writeFile(join(directory, "programs.log"), places.map(({ log }) => log()).join("\n"))
    )
  )
  const world: World = {
    history,
    nodes,
    streams,
    workers: places.filter(({ command }) => command === "worker"),
    gateways: places.filter(({ command }) => command === "gateway"),
    receiver,
    gate,
    natsTurn: new Turn(),
    stormEnds: () => stormStart + STORM + LATE_CALLS
  }
  yield* within(healthy(world), "the stream does not get healthy")
  yield* Lateness.watch(world)

  const stormStart = history.now()
  const post = (calls: Plan["calls"]["calm"], millis: number) =>
    Clients.post(calls, millis, world.gateways, receiver.url, history)
  yield* within(
    Effect.all([post(plan.calls.stormy, STORM), strikeAll(world, plan.faults)], { concurrency: "unbounded" }),
    "the storm does not end"
  )
  history.record({ e: "calm" })
  const calmAt = history.now()

  const rules = rulesOf(plan)
  const look = (when: "quiet" | "end") =>
    Effect.map(Effect.eventually(streams.snapshot(functions.working)), (found) => ({
      t: Math.round(history.now()),
      e: "snapshot" as const,
      when,
      found
    }))
  gate.close()
  const quietUntil = history.now() + QUIET_AT_MOST
  yield* Effect.sleep(QUIET)
  const quiet = yield* Effect.repeat(look("quiet"), {
    until: (snapshot) =>
      history.now() > quietUntil || unconserved([...history.events, snapshot], rules).length === 0
  })
  history.record(quiet)
  gate.open()

  yield* post(plan.calls.calm, CALM)
  const unsettled = Effect.eventually(Effect.all([streams.stored, streams.storedCallbacks])).pipe(
    Effect.map(([calls, callbacks]) => calls + callbacks + functions.working())
  )
  yield* Effect.repeat(Effect.delay(unsettled, LOOK), {
    until: (count) => count === 0 || history.now() > calmAt + BOUND
  })
  const settledIn = Math.round(history.now() - calmAt)
  history.record(yield* look("end"))
  return {
    plan,
    events: history.events,
    rules,
    violations: check(history.events, rules),
    settledIn
  } satisfies Finished
}, Effect.scoped)

/** No part of a run takes so long, also on a machine with much to do. */
const PATIENCE = Duration.seconds(90)

const within = <A, E, R>(effect: Effect.Effect<A, E, R>, otherwise: string): Effect.Effect<A, E, R> =>
  Effect.timeoutOrElse(effect, { duration: PATIENCE, orElse: () => Effect.die(new Error(otherwise)) })

const startPlaces = (
  plan: Plan,
  directory: string,
  natsPorts: ReadonlyArray<number>,
  functionUrls: ReadonlyMap<string, string>,
  history: History
) => {
  const replicas = plan.topology === "cluster" ? natsPorts.length : 1
  const { limiterEnabled } = plan
  return Effect.forEach(
    [...several("gateway", plan.gateways), ...several("worker", plan.workers)],
    (which) =>
      Places.make({ ...which, directory, natsPorts, functionUrls, replicas, limiterEnabled, history }).pipe(
        Effect.tap((place) => place.start)
      ),
    { concurrency: "unbounded" }
  )
}

const several = (command: "worker" | "gateway", count: number) =>
  Array.from({ length: count }, (_, index) => ({ command, name: `${command.slice(0, 1)}${index + 1}` }))

const rulesOf = ({ limiterEnabled }: Plan): Rules => ({
  functions: new Map(calledFunctions.map(({ limit, name, retries }) => [name, { limit, retries }])),
  holdsRejected: limiterEnabled,
  retried: Settings.RETRIED,
  upstreamTimeout: Settings.UPSTREAM_TIMEOUT,
  ackWait: Settings.ACK_WAIT,
  maxUnfinished: Settings.MAX_UNFINISHED
})
