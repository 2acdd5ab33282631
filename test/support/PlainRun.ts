import type { Event, Limiter } from "../../src/domain/limiter/Limiter.ts"

interface Scenario {
  readonly calls: number
  /** From these times on (milliseconds, in order) the function has so many places. */
  readonly places: ReadonlyArray<readonly [at: number, count: number]>
  readonly workMillis: (id: string) => number
}

/** Milliseconds from the worker to the function, and the same back. */
const NETWORK = 1

/**
 * The smallest worker there can be, to compare the actor with: a loop over events in the order of their time, which
 * asks the limiter and does what it says. Times are whole milliseconds, as the actor's sleeps are.
 */
export const run = <S>(limiter: Limiter<S>, { calls, places, workMillis }: Scenario): void => {
  const planned: Array<{ readonly at: number; readonly action: () => void }> = []
  const waiting = Array.from({ length: calls }, (_, index) => `call-${index}`)
  const held: Array<string> = []
  let now = 0
  let room = 0
  let working = 0
  let inFlight = 0
  let seq = 0
  /** set so far; only the latest counts */
  let alarms = 0
  let state = limiter.initial(0)

  const at = (time: number, action: () => void) => {
    const index = planned.findIndex((other) => other.at > time)
    planned.splice(index < 0 ? planned.length : index, 0, { at: time, action })
  }
  const context = () => ({ inFlight, waiting: waiting.length + held.length })
  const step = (event: Event) => {
    state = limiter.step(state, event, now / 1000, context())
  }

  const next = () =>
    limiter.room(state, now / 1000, context()) > 0 ? (held.shift() ?? waiting.shift()) : undefined

  const send = (id: string) => {
    const sentAt = now
    const mine = ++seq
    inFlight++
    step({ _tag: "Dispatched", seq: mine })
    const answer = (kind: "success" | "rejected") =>
      at(now + NETWORK, () => {
        inFlight--
        if (kind === "rejected") held.push(id)
        step({ _tag: "Answered", seq: mine, kind, latency: (now - sentAt) / 1000 })
        pump()
      })
    at(now + NETWORK, () => {
      if (working >= room) return answer("rejected")
      working++
      at(now + workMillis(id), () => {
        working--
        answer("success")
      })
    })
  }

  const pump = () => {
    for (let id = next(); id !== undefined; id = next()) send(id)
    const due = now + Math.max(0, Math.ceil((limiter.wakeAt(state) - now / 1000) * 1000))
    const mine = ++alarms
    if (due === Number.POSITIVE_INFINITY) return
    at(due, () => {
      if (alarms !== mine) return
      step({ _tag: "Tick" })
      pump()
    })
  }

  for (const [time, count] of places) at(time, () => void (room = count))
  at(0, () => {
    step({ _tag: "Tick" })
    pump()
  })
  for (let event = planned.shift(); event !== undefined; event = planned.shift()) {
    now = event.at
    event.action()
  }
}
