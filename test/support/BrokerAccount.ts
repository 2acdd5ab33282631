/** What workers have asked for and hold, kept by somebody who listens at the broker and believes no worker. */
import { Effect } from "effect"
import type { Msg } from "@nats-io/transport-node"
import { natsClient } from "./Sluice.ts"

/** A pull request at the moment it was made. */
export interface Ask {
  readonly fn: string
  readonly count: number
  /** Of its function: asked for, this request included, or pulled and neither settled nor delayed. */
  readonly account: number
}

interface Open {
  readonly fn: string
  /** When the server forgets it, whether it says so or not (2.9 does not always), milliseconds since 1970. */
  readonly until: number
  missing: number
}

interface PullRequest {
  readonly batch: number
  /** nanoseconds */
  readonly expires?: number
}

/** The account of every function, and the most it ever was. */
export class Account {
  readonly asks: Array<Ask> = []
  deliveries = 0
  readonly #open = new Map<string, Open>()
  /** inboxes of requests that are over: a status may be seen before the request itself */
  readonly #over = new Set<string>()
  readonly #pulled = new Map<string, string>()
  readonly #settled = new Set<string>()
  readonly #most = new Map<string, number>()
  #mostTogether = 0

  /** The most that was asked for or pulled at once, of one function or of all. */
  most(fn?: string): number {
    return fn === undefined ? this.#mostTogether : (this.#most.get(fn) ?? 0)
  }

  /** What is asked for or pulled now. */
  now(fn?: string): number {
    const ofFunction = (name: string) => fn === undefined || name === fn
    const asked = [...this.#open.values()].reduce(
      (sum, open) => sum + (ofFunction(open.fn) ? open.missing : 0),
      0
    )
    return asked + [...this.#pulled.values()].filter(ofFunction).length
  }

  hear(message: Msg): void {
    const { subject, reply = "" } = message
    for (const [inbox, { until }] of this.#open) if (until < Date.now()) this.#end(inbox)
    if (subject.startsWith("$JS.API.CONSUMER.MSG.NEXT.")) this.#ask(subject, reply, message.json())
    else if (reply.startsWith("$JS.ACK.")) this.#deliver(reply)
    else if (subject.startsWith("$JS.ACK.")) this.#settle(subject, message.string())
    else if ((message.headers?.code ?? 0) > 0) this.#end(subject)
  }

  #ask(subject: string, inbox: string, { batch, expires }: PullRequest): void {
    const fn = functionOf(subject.split(".").at(-1))
    const until = expires === undefined ? Number.POSITIVE_INFINITY : Date.now() + expires / 1e6
    if (!this.#over.has(inbox)) this.#open.set(inbox, { fn, until, missing: batch })
    this.#note(fn)
    this.asks.push({ fn, count: batch, account: this.now(fn) })
  }

  #deliver(ackSubject: string): void {
    this.deliveries++
    const fn = functionOfAck(ackSubject)
    // The first of them is the one that the server fills.
    for (const [inbox, open] of this.#open) {
      if (open.fn !== fn) continue
      if (--open.missing === 0) this.#end(inbox)
      break
    }
    if (!this.#settled.has(ackSubject)) this.#pulled.set(ackSubject, fn)
    this.#note(fn)
  }

  #settle(ackSubject: string, payload: string): void {
    if (payload.startsWith("+WPI")) return
    this.#settled.add(ackSubject)
    this.#pulled.delete(ackSubject)
  }

  #end(inbox: string): void {
    this.#over.add(inbox)
    this.#open.delete(inbox)
  }

  #note(fn: string): void {
    this.#most.set(fn, Math.max(this.most(fn), this.now(fn)))
    this.#mostTogether = Math.max(this.#mostTogether, this.now())
  }
}

/** Consumers are called name=namespace=creation. */
const functionOf = (consumer = ""): string => consumer.split("=")[0] ?? ""

/** The long form of the subject (NATS ADR-15) has two parts more in front. */
const functionOfAck = (subject: string): string => {
  const parts = subject.split(".")
  return functionOf(parts[parts.length === 9 ? 3 : 5])
}

/** Starts listening; what was said before is not in the account. */
export const watch = Effect.fnUntraced(function* (url: string) {
  const { connection } = yield* natsClient(url)
  const account = new Account()
  // One connection hears everything in the order in which the server passes it on.
  for (const subject of ["$JS.API.CONSUMER.MSG.NEXT.>", "_INBOX.>", "$JS.ACK.>"]) {
    connection.subscribe(subject, { callback: (_, message) => account.hear(message) })
  }
  yield* Effect.promise(() => connection.flush())
  return {
    account,
    /** Waits until everything that the server has passed on so far is in the account. */
    caughtUp: Effect.promise(() => connection.flush())
  }
})
