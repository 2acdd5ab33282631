import { Effect } from "effect"
import type { Posted } from "../../src/worker/CallbackPost.ts"
import type { Reaction } from "../../src/worker/Invoker.ts"
import type { Life, Wire } from "./Wire.ts"

/** How a call goes: the function fails in these ways, one after the other, and ends as it says. */
export interface FunctionScript {
  readonly failures: ReadonlyArray<"error" | "no room" | "hang">
  readonly finally: "success" | "refusal"
  readonly workMillis: number
  readonly resultBytes: number
}

export interface ReceiverScript {
  readonly failures: ReadonlyArray<"error" | "hang">
  readonly finally: "taken" | "gone"
}

/** When a worker gives up on a function or receiver that does not answer, milliseconds. */
export const TIMEOUT = 15_000

const statuses = { error: 500, "no room": 429, success: 200, refusal: 404 } as const

/** The function: what it was asked and what it answered, as only it can know. */
export class ScriptedFunction {
  /** Ids of calls, in the order in which they came. */
  readonly invocations: Array<string> = []
  /** Ids of calls that a worker has got a final answer for. */
  readonly answered = new Set<string>()
  /** For each call, how many answers have reached a worker that ask for another attempt. */
  readonly failed = new Map<string, number>()
  /** The most calls that one worker had sent and not heard of. */
  mostInFlight = 0
  /** Ids of calls that a worker has sent while it had sent them already and not heard of them. */
  readonly twiceAtOnce: Array<string> = []
  readonly #inFlight = new Map<Life, Array<string>>()
  readonly #wire: Wire
  readonly #scripts: ReadonlyMap<string, FunctionScript>

  constructor(wire: Wire, scripts: ReadonlyMap<string, FunctionScript>) {
    this.#wire = wire
    this.#scripts = scripts
  }

  invoke(life: Life, id: string): Effect.Effect<Reaction> {
    const script = this.#scripts.get(id)
    if (script === undefined) return Effect.die(`no script for ${id}`)
    const work = Effect.suspend(() => {
      const earlier = this.invocations.filter((other) => other === id).length
      this.invocations.push(id)
      const step = script.failures[earlier] ?? script.finally
      if (step === "hang") return Effect.as(Effect.sleep(TIMEOUT), undefined)
      return Effect.as(Effect.sleep(script.workMillis), statuses[step])
    })
    return this.#counted(life, id, this.#wire.call(life, `invokes ${id}`, work)).pipe(
      Effect.match({
        onSuccess: (status) => reaction(status, script.resultBytes),
        onFailure: ({ detail }): Reaction => ({ ...silent, answer: { _tag: "Unreachable", detail } })
      }),
      Effect.tap(({ reply }) =>
        Effect.sync(() => {
          if (reply === undefined) this.failed.set(id, (this.failed.get(id) ?? 0) + 1)
          else this.answered.add(id)
        })
      )
    )
  }

  #counted<A, E>(life: Life, id: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    const inFlight = this.#inFlight.get(life) ?? []
    this.#inFlight.set(life, inFlight)
    const send = Effect.sync(() => {
      if (inFlight.includes(id)) this.twiceAtOnce.push(id)
      this.mostInFlight = Math.max(this.mostInFlight, inFlight.push(id))
    })
    const hear = Effect.sync(() => inFlight.splice(inFlight.indexOf(id), 1))
    return Effect.ensuring(Effect.andThen(send, effect), hear)
  }
}

const silent: Reaction = {
  answer: { _tag: "Timeout", afterMillis: TIMEOUT },
  durationSeconds: TIMEOUT / 1000,
  reply: undefined,
  excerpt: undefined,
  droppedHeaders: []
}

/** With a reply when it is final; without a status for a function that hangs. */
const reaction = (status: number | undefined, bytes: number): Reaction => {
  if (status === undefined) return silent
  const final = status === statuses.success || status === statuses.refusal
  return {
    ...silent,
    answer: { _tag: "Reply", status, internal: false, retryAfter: undefined },
    durationSeconds: 0.001,
    reply: final
      ? {
          _tag: "Reply",
          status,
          rawHeaders: [],
          body: new Uint8Array(bytes),
          bodyBytes: bytes,
          excerpt: { bytes: new Uint8Array(0), totalBytes: bytes }
        }
      : undefined
  }
}

/** The receiver of callbacks. */
export class ScriptedReceiver {
  /** Ids of calls whose result it has, and how often it got each. */
  readonly taken = new Map<string, number>()
  /** Ids of calls whose result it does not want. */
  readonly refused = new Set<string>()
  readonly #posts = new Map<string, number>()
  readonly #wire: Wire
  readonly #scripts: ReadonlyMap<string, ReceiverScript>

  constructor(wire: Wire, scripts: ReadonlyMap<string, ReceiverScript>) {
    this.#wire = wire
    this.#scripts = scripts
  }

  /** Whether it waits for the call's result. */
  knows(id: string): boolean {
    return this.#scripts.has(id)
  }

  post(life: Life, id: string): Effect.Effect<Posted> {
    const receive = Effect.suspend(() => {
      const earlier = this.#posts.get(id) ?? 0
      this.#posts.set(id, earlier + 1)
      const script = this.#scripts.get(id)
      const step = script?.failures[earlier] ?? script?.finally ?? "gone"
      if (step === "taken") this.taken.set(id, (this.taken.get(id) ?? 0) + 1)
      if (step === "gone") this.refused.add(id)
      return Effect.as(Effect.sleep(step === "hang" ? TIMEOUT : 1), answers[step])
    })
    return this.#wire
      .call(life, `posts ${id}`, receive)
      .pipe(Effect.catch(({ detail }) => Effect.succeed<Posted>(notTaken(undefined, detail))))
  }
}

const notTaken = (status: number | undefined, detail: string): Posted => ({
  _tag: "NotTaken",
  status,
  detail,
  retryAfter: undefined
})

const answers = {
  error: notTaken(500, "the receiver answered 500"),
  hang: notTaken(undefined, "the receiver did not answer"),
  taken: { _tag: "Taken", status: 200 },
  gone: { _tag: "Never", status: 410, detail: "the receiver answered 410" }
} as const satisfies Record<string, Posted>
