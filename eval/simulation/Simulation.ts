import type { Scenario } from "../scenarios/Scenario.ts"
import { draw } from "../scenarios/WorkTime.ts"
import { autoscale } from "./Autoscaler.ts"
import type { Backend } from "./Backend.ts"
import type { Call } from "./Call.ts"
import { CallQueue } from "./CallQueue.ts"
import { gossip, pollReplicas } from "./Companions.ts"
import type { Contender } from "./Contender.ts"
import { Cores } from "./Cores.ts"
import { oracle } from "./Oracle.ts"
import { sourceFor } from "./Random.ts"
import { Recorder } from "./Recorder.ts"
import { Replicas } from "./Replicas.ts"
import { Timeline } from "./Timeline.ts"
import { type Watch, Worker } from "./Worker.ts"
import type { World } from "./World.ts"

/** Seconds after which a run that is not drained counts as never finished. */
export const patience = 3000

/** A finished run. */
export interface Run {
  readonly scenario: Scenario
  /** Seconds until the last call was done; `undefined` when that did not happen in 3000 s. */
  readonly makespan: number | undefined
  /** Seconds until 95 % of the calls were done. */
  readonly t95: number | undefined
  readonly recorder: Recorder
}

/** What to write down besides the numbers. */
interface Observed {
  readonly limits?: boolean
  readonly watch?: Watch
}

const backendOf = (timeline: Timeline, { backend }: Scenario, seed: number, isOracle: boolean): Backend => {
  if (backend._tag === "Cores") return new Cores(timeline, backend)
  const plan = isOracle ? { ...backend, placement: "pooled" as const } : backend
  const source = (purpose: string) => sourceFor(purpose, seed)
  const made = new Replicas(timeline, plan, source("placement"), source("rejection"))
  if (plan.autoscaler !== undefined) autoscale(timeline, made, plan.autoscaler, source("cold start"))
  return made
}

/** The calls of a scenario: the same for every contender. */
const callsOf = (scenario: Scenario, seed: number): ReadonlyArray<{ at: number; call: Call }> => {
  const work = sourceFor("work", seed)
  const failing = sourceFor("failing", seed)
  let id = 0
  return scenario.arrivals.flatMap(({ at, calls, every }) =>
    Array.from({ length: calls }, (_, index) => {
      let failuresLeft = 0
      while (failing() < scenario.failing) failuresLeft++
      const seconds = draw(scenario.work, work)
      const call: Call = { id: id++, work: seconds, failuresLeft, failedAttempts: 0, firstSent: undefined }
      return { at: at + index * every, call }
    })
  )
}

const startWorkers = (world: World, contender: Contender, watch: Watch | undefined): void => {
  const workers: Array<Worker> = []
  const phase = sourceFor("phase", world.seed)
  for (const [index, joins] of world.scenario.joins.entries()) {
    const [hintPhase, gossipPhase] = [phase(), phase()]
    world.timeline.at(joins, () => {
      const worker = new Worker(world, contender, index, watch)
      workers[index] = worker
      if (contender.hinted) pollReplicas(world, worker, hintPhase)
      if (contender.gossips) gossip(world, workers, index, gossipPhase)
    })
  }
}

/** Runs a scenario to its end. The same arguments give the same run. */
export const simulate = (
  scenario: Scenario,
  contender: Contender | "oracle",
  seed: number,
  observed: Observed = {}
): Run => {
  const timeline = new Timeline()
  const queue = new CallQueue()
  const recorder = new Recorder(scenario.joins.length, observed.limits ?? false)
  const backend = backendOf(timeline, scenario, seed, contender === "oracle")
  const arrivals = callsOf(scenario, seed)
  let left = arrivals.length
  let t95: number | undefined

  const record = (): void =>
    recorder.changed(timeline.now, backend.running, backend.capacity, backend.replicas)
  record()
  backend.onChange(record)

  const done = (): void => {
    left--
    if (left <= arrivals.length * 0.05) t95 ??= timeline.now
  }
  for (const [at, calls] of Map.groupBy(arrivals, ({ at }) => at)) {
    timeline.at(at, () => queue.add(calls.map(({ call }) => call)))
  }
  const world: World = { scenario, seed, timeline, queue, backend, recorder, done }
  if (contender === "oracle") oracle(world)
  else startWorkers(world, contender, observed.watch)
  timeline.run(patience, () => left === 0)
  return { scenario, makespan: left === 0 ? timeline.now : undefined, t95, recorder }
}
