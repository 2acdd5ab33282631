import type { Model } from "./Explorer.ts"

/** How the protocol can be broken; the sound one has none of these. */
export interface Mistakes {
  /** the gateway says 202 when it has sent the call, not when JetStream has confirmed it */
  readonly answerBeforeConfirm?: boolean
  /** the call is acknowledged before its result is stored */
  readonly ackBeforeStore?: boolean
  /** the worker goes on when it has sent a result to be stored, without waiting for the confirmation */
  readonly noConfirm?: boolean
  /** a worker that is told to stop drops what it runs and says nothing */
  readonly silentInterrupt?: boolean
  /** the call is given back before the attempt is written down */
  readonly nakBeforeLedger?: boolean
  /** what is stored twice has two ids */
  readonly freshIds?: boolean
  /** dead letters and results go out, and the call is not acknowledged */
  readonly noAck?: boolean
}

type Phase =
  | "idle"
  | "delivered"
  | "running"
  /** failed and to be tried again: the attempt is not written down yet */
  | "retry"
  | "giveBack"
  /** failed for the last time: the dead letter is not stored yet */
  | "dead"
  /** the final result is not stored yet */
  | "final"
  | "ack"

interface Worker {
  readonly phase: Phase
  /** of the call in hand, from 1 */
  readonly attempt: number
}

/** What is under way to the server. */
type Wire = "publish" | "ack" | "nak" | "result" | "letter"

/** One call with a callback, two workers, and what JetStream, function and receiver know of it. */
interface State {
  readonly gateway: "receiving" | "publishing" | "answered" | "failed"
  readonly call: "absent" | "waiting" | "out" | "delayed" | "removed"
  /** attempts that are written down */
  readonly ledger: number
  readonly workers: readonly [Worker, Worker]
  readonly wire: ReadonlyArray<Wire>
  readonly executions: number
  readonly successes: number
  /** messages in the stream of callbacks, ever */
  readonly results: number
  readonly letters: number
  readonly callback: "none" | "stored" | "posted" | "done"
  readonly faultsLeft: number
  readonly stopsLeft: number
  readonly struck: number
}

const MAX_ATTEMPTS = 2

const idle: Worker = { phase: "idle", attempt: 0 }

const initial = (faults: number): State => ({
  gateway: "receiving",
  call: "absent",
  ledger: 0,
  workers: [idle, idle],
  wire: [],
  executions: 0,
  successes: 0,
  results: 0,
  letters: 0,
  callback: "none",
  faultsLeft: faults,
  stopsLeft: 1,
  struck: 0
})

type Step = readonly [string, State]

/**
 * The protocol between gateway, stream, worker, callbacks and dead letters, for one call: at most `faults` times
 * something dies, is lost on the wire, or is silent for longer than `ack_wait`.
 */
export const protocol = (faults: number, mistakes: Mistakes = {}): Model<State> => ({
  initial: initial(faults),
  steps: function* (state) {
    yield* gatewaySteps(state, mistakes)
    yield* streamSteps(state)
    yield* wireSteps(state, mistakes)
    for (const index of [0, 1] as const) yield* workerSteps(state, index, mistakes)
    yield* callbackSteps(state)
  },
  violation,
  unfinished: (state) => {
    if (state.call !== "absent" && state.call !== "removed")
      return `nobody takes care of a call that is ${state.call}`
    if (state.call === "removed" && state.callback !== "done") return "the receiver never got the result"
    return undefined
  }
})

const send = (state: State, message: Wire): State => ({ ...state, wire: [...state.wire, message].sort() })

const received = (state: State, message: Wire): State => ({
  ...state,
  wire: state.wire.toSpliced(state.wire.indexOf(message), 1)
})

const fault = (state: State): State => ({
  ...state,
  faultsLeft: state.faultsLeft - 1,
  struck: state.struck + 1
})

const withWorker = (state: State, index: 0 | 1, worker: Worker): State => ({
  ...state,
  workers: index === 0 ? [worker, state.workers[1]] : [state.workers[0], worker]
})

function* gatewaySteps(state: State, mistakes: Mistakes): Iterable<Step> {
  if (state.gateway === "receiving") yield ["publish", send({ ...state, gateway: "publishing" }, "publish")]
  if (state.gateway !== "publishing") return
  const confirmed = state.call !== "absent"
  if (confirmed || mistakes.answerBeforeConfirm) yield ["answer 202", { ...state, gateway: "answered" }]
  if (!confirmed && !state.wire.includes("publish")) yield ["answer 503", { ...state, gateway: "failed" }]
  if (state.faultsLeft > 0) yield ["crash gateway", fault({ ...state, gateway: "failed" })]
}

function* streamSteps(state: State): Iterable<Step> {
  if (state.call === "delayed") yield ["due", { ...state, call: "waiting" }]
  if (state.call === "waiting") {
    for (const index of [0, 1] as const) {
      if (state.workers[index].phase !== "idle") continue
      yield [
        `deliver to ${index}`,
        withWorker({ ...state, call: "out" }, index, { phase: "delivered", attempt: 0 })
      ]
    }
  }
  if (state.call !== "out") return
  const held = state.workers.some(({ phase }) => phase !== "idle")
  const answered = state.wire.includes("ack") || state.wire.includes("nak")
  // Whoever has the call says so, and answers are quick: only then is an expiry somebody's fault.
  if (!held && !answered) yield ["expire", { ...state, call: "waiting" }]
  else if (state.faultsLeft > 0) yield ["stall beyond ack_wait", fault({ ...state, call: "waiting" })]
}

function* wireSteps(state: State, mistakes: Mistakes): Iterable<Step> {
  for (const message of new Set(state.wire)) {
    const rest = received(state, message)
    yield [`arrive ${message}`, arrive(rest, message, mistakes)]
    if (state.faultsLeft > 0) yield [`lose ${message}`, fault(rest)]
  }
}

const arrive = (state: State, message: Wire, mistakes: Mistakes): State => {
  switch (message) {
    case "publish":
      return { ...state, call: "waiting" }
    case "ack":
      // By its sequence, whichever delivery it answers.
      return { ...state, call: "removed" }
    case "nak":
      return state.call === "out" ? { ...state, call: "delayed" } : state
    case "result":
      return storeResult(state, mistakes)
    case "letter":
      return storeLetter(state, mistakes)
  }
}

const storeResult = (state: State, mistakes: Mistakes): State =>
  state.results > 0 && !mistakes.freshIds
    ? state
    : { ...state, results: state.results + 1, callback: "stored" }

const storeLetter = (state: State, mistakes: Mistakes): State =>
  state.letters > 0 && !mistakes.freshIds ? state : { ...state, letters: state.letters + 1 }

function* workerSteps(state: State, index: 0 | 1, mistakes: Mistakes): Iterable<Step> {
  const { phase, attempt } = state.workers[index]
  if (phase === "idle") return
  const go = (to: Phase, from: State = state) => withWorker(from, index, { phase: to, attempt })
  const name = (what: string) => `${what} by ${index}`
  if (state.faultsLeft > 0) yield [name("crash"), fault(withWorker(state, index, idle))]

  switch (phase) {
    case "delivered":
      yield [name("invoke"), withWorker(state, index, { phase: "running", attempt: state.ledger + 1 })]
      return
    case "running": {
      const ran = { ...state, executions: state.executions + 1 }
      yield [name("succeed"), go("final", { ...ran, successes: state.successes + 1 })]
      yield [name("fail"), go(attempt < MAX_ATTEMPTS ? "retry" : "dead", ran)]
      if (state.stopsLeft > 0) {
        const stopped = withWorker({ ...state, stopsLeft: state.stopsLeft - 1 }, index, idle)
        yield [name("stop"), mistakes.silentInterrupt ? stopped : send(stopped, "nak")]
      }
      return
    }
    case "retry":
      if (mistakes.nakBeforeLedger) yield [name("nak"), send(withWorker(state, index, idle), "nak")]
      else yield [name("write"), go("giveBack", { ...state, ledger: Math.max(state.ledger, attempt) })]
      return
    case "giveBack":
      yield [name("nak"), send(withWorker(state, index, idle), "nak")]
      return
    case "dead":
      if (mistakes.noConfirm) yield [name("send-letter"), go("final", send(state, "letter"))]
      // Stored, and the confirmation lost: it is stored once more.
      else {
        yield [name("store-letter"), go("final", storeLetter(state, mistakes))]
        if (state.faultsLeft > 0) yield [name("unconfirmed"), fault(storeLetter(state, mistakes))]
      }
      return
    case "final":
      if (mistakes.ackBeforeStore && !state.wire.includes("ack")) yield [name("ack"), send(state, "ack")]
      else if (mistakes.noConfirm) yield [name("send-result"), go("ack", send(state, "result"))]
      else {
        const after = mistakes.ackBeforeStore ? "idle" : "ack"
        yield [name("store-result"), go(after, storeResult(state, mistakes))]
        if (state.faultsLeft > 0) yield [name("unconfirmed"), fault(storeResult(state, mistakes))]
      }
      return
    case "ack": {
      const rested = withWorker(state, index, idle)
      yield [name("ack"), mistakes.noAck ? rested : send(rested, "ack")]
    }
  }
}

/** The callback's own stream works as the calls' does: posted, then acknowledged. */
function* callbackSteps(state: State): Iterable<Step> {
  if (state.callback === "stored") yield ["post", { ...state, callback: "posted" }]
  if (state.callback !== "posted") return
  yield ["ack-callback", { ...state, callback: "done" }]
  if (state.faultsLeft > 0) yield ["crash callback", fault({ ...state, callback: "stored" })]
}

const violation = (state: State): string | undefined => {
  const { call, gateway, results, letters, executions, successes, struck, workers, wire } = state
  const stored = call !== "absent"
  if (gateway === "answered" && !stored) return "accepted, and not stored"
  if (call === "removed" && results === 0) return "gone from the queue, and its result is not stored"
  if (results > 1) return "its result is stored twice"
  if (letters > 1) return "it is a dead letter twice"
  if (letters > 0 && executions < MAX_ATTEMPTS) return "a dead letter that has attempts left"
  if (struck > 0) return undefined
  if (successes > 1) return "executed again after it had succeeded, and nothing had gone wrong"
  if (letters > 0 && successes > 0) return "succeeded and a dead letter, and nothing had gone wrong"
  if (executions > MAX_ATTEMPTS) return "more attempts than allowed, and nothing had gone wrong"
  const answered = wire.includes("ack") || wire.includes("nak")
  if (call === "out" && !answered && workers.every(({ phase }) => phase === "idle")) {
    return "nobody has it, nobody gave it back, and nothing had gone wrong"
  }
  return undefined
}
