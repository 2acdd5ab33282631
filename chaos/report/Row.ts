import { read } from "../checker/Lives.ts"
import { repetitions } from "../checker/Repeated.ts"
import type { Event, EventOf } from "../history/Event.ts"
import type { Finished } from "../Run.ts"

/** A run in figures. */
export interface Row {
  readonly seed: number
  readonly server: string
  readonly topology: "single" | "cluster"
  readonly syncAlways: boolean
  readonly limiter: boolean
  readonly posted: number
  readonly accepted: number
  readonly attempts: number
  /** attempts and callbacks beyond the one that was needed, each explained by a fault */
  readonly repeated: number
  readonly dead: number
  readonly callbacks: number
  /** milliseconds from the last heal to the end of the last call */
  readonly settledIn: number
  /** how often the machine had no time for somebody, half a second or more */
  readonly late: number
  readonly violations: number
  /** how often each kind of fault struck */
  readonly faults: Readonly<Record<string, number>>
}

export const rowOf = (run: Finished, server: string): Row => {
  const { events, plan, rules, settledIn, violations } = run
  const given = read(events, rules)
  const count = (e: Event["e"]) => events.filter((event) => event.e === e).length
  return {
    seed: plan.seed,
    server,
    topology: plan.topology,
    syncAlways: plan.syncAlways,
    limiter: plan.limiterEnabled,
    posted: count("posted"),
    accepted: count("accepted"),
    attempts: count("begin"),
    repeated: repetitions(given).length,
    dead: given.end?.dead.length ?? 0,
    callbacks: count("callback"),
    settledIn,
    late: count("late"),
    violations: violations.length,
    faults: Object.fromEntries(strikes(run))
  }
}

/** Kinds of the schedule by their names, and what functions did. */
const strikes = ({ events, plan }: Finished): ReadonlyArray<readonly [string, number]> => {
  const counts = new Map<string, number>()
  const add = (kind: string) => counts.set(kind, (counts.get(kind) ?? 0) + 1)
  for (const event of events) {
    if (event.e === "fault" && hasStruck(events, event)) {
      add(event.kind)
      if (event.kind === "server-killed" && plan.syncAlways) add("server-killed-sync-always")
    }
    if (event.e === "callback" && !event.taken) add("receiver-503")
    if (event.e !== "end") continue
    const { outcome } = event
    if (outcome._tag === "Answered" && outcome.status !== 200) add(`function-${outcome.status}`)
    else if (outcome._tag === "Reset") add("function-reset")
    else if (outcome._tag === "Half") add("function-half")
    else if (outcome._tag === "CallerGone") add("function-hang")
  }
  return [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1))
}

/** A limit strikes when a call is refused for it. */
const hasStruck = (events: ReadonlyArray<Event>, fault: EventOf<"fault">): boolean => {
  if (fault.kind !== "stream-limit") return true
  const end = events.find((event) => event.e === "healed" && event.id === fault.id)?.t ?? fault.t
  return events.some(
    (event) => event.e === "refused" && event.stored === "no" && event.t >= fault.t && event.t <= end + ANSWER
  )
}

/** Milliseconds that a refusal may be on its way to the client. */
const ANSWER = 500
