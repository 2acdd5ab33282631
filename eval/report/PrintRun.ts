import type { Event } from "../../src/domain/limiter/Limiter.ts"
import type { Scenario } from "../scenarios/Scenario.ts"
import type { Contender } from "../simulation/Contender.ts"
import { measure } from "../simulation/Measure.ts"
import type { Change } from "../simulation/Recorder.ts"
import { type Run, simulate } from "../simulation/Simulation.ts"

const text = (event: Event): string => {
  switch (event._tag) {
    case "Dispatched":
      return `dispatched ${event.seq}`
    case "Answered": {
      const asked = event.retryAfter === undefined ? "" : ` retry after ${event.retryAfter} s`
      return `answered   ${event.seq} ${event.kind} in ${event.latency.toFixed(3)} s${asked}`
    }
    case "Hint":
      return `hint       ${event.replicas} replicas`
    case "Gossip":
      return `gossip     ${JSON.stringify(event.news)}`
    case "Tick":
      return "tick"
  }
}

const printEnd = (run: Run): void => {
  console.log(JSON.stringify(measure(run), null, 1))
}

/** Every event of every worker's limiter, and what the limiter makes of it. */
export const printTrace = (scenario: Scenario, contender: Contender, seed: number): void => {
  console.log(
    `${scenario.name} ${contender.name} seed ${seed}: time, worker, event -> limit, room, next wake-up`
  )
  const run = simulate(scenario, contender, seed, {
    watch: (worker, now, event, context, cell) => {
      const { inFlight, waiting } = context
      const made = `limit ${cell.limit()} room ${cell.room(now, context)} wake ${cell.wakeAt().toFixed(3)}`
      console.log(
        `${now.toFixed(4)} w${worker} ${text(event).padEnd(44)} in flight ${inFlight} waiting ${waiting} -> ${made}`
      )
    }
  })
  printEnd(run)
}

/** The value in force at a time. */
const at = (changes: ReadonlyArray<Change>, time: number): number =>
  changes.findLast((change) => change.time <= time)?.value ?? 0

/** One line a second. */
export const printSeconds = (scenario: Scenario, contender: Contender, seed: number): void => {
  const run = simulate(scenario, contender, seed, { limits: true })
  const { recorder, makespan } = run
  console.log(`${scenario.name} ${contender.name} seed ${seed}\n   s limit  runs  cap   429`)
  for (let second = 0; second < (makespan ?? 120); second++) {
    const limit = scenario.joins
      .map((_, worker) =>
        at(
          recorder.limits.filter((change) => change.worker === worker),
          second
        )
      )
      .reduce((sum, value) => sum + value, 0)
    const rejected = recorder.answers.filter(
      ({ kind, time }) => kind === "rejected" && time >= second && time < second + 1
    ).length
    const row = [second, limit, at(recorder.running, second), at(recorder.capacity, second), rejected]
    console.log(row.map((value) => String(value).padStart(5)).join(" "))
  }
  printEnd(run)
}
