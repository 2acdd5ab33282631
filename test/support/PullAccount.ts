/** What a worker has asked the server for and holds, kept by somebody who listens to both and believes neither. */
import { Effect } from "effect"
import { streamName } from "./QueueState.ts"
import * as WireTap from "./WireTap.ts"

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

const nextSubject = `$JS.API.CONSUMER.MSG.NEXT.${streamName}.`

/** Of calls, not of callbacks; the long form of the subject (NATS ADR-15) has two parts more in front. */
const isAck = (subject: string): boolean =>
  subject.startsWith("$JS.ACK.") && subject.includes(`.${streamName}.`)

/** The account of every function of one worker, and the most it ever was. */
class Account {
  readonly asks: Array<Ask> = []
  deliveries = 0
  /** by inbox */
  readonly #open = new Map<string, Open>()
  /** functions of the deliveries that are not settled, by acknowledgement subject */
  readonly #pulled = new Map<string, string>()
  /** inboxes by the id of their subscription */
  readonly #subscriptions = new Map<string, string>()
  readonly #most = new Map<string, number>()
  #mostTogether = 0

  /** The most that was asked for or pulled at once, of one function or of all. */
  most(fn?: string): number {
    return fn === undefined ? this.#mostTogether : (this.#most.get(fn) ?? 0)
  }

  /** What is asked for or pulled now. */
  now(fn?: string): number {
    const counts = (name: string) => fn === undefined || name === fn
    let sum = 0
    for (const open of this.#open.values()) if (counts(open.fn) && isAlive(open)) sum += open.missing
    for (const name of this.#pulled.values()) if (counts(name)) sum++
    return sum
  }

  hear({ verb, words: [subject = "", second = "", third = ""], payload }: WireTap.Said): void {
    if (verb === "SUB") this.#subscriptions.set(second, subject.replace("*", ""))
    else if (verb === "UNSUB") this.#forget(this.#subscriptions.get(subject))
    else if (verb === "PUB" && subject.startsWith(nextSubject))
      this.#ask(subject, second, JSON.parse(payload))
    else if (verb === "PUB" && isAck(subject)) this.#settle(subject, payload)
    else if (verb.endsWith("MSG") && isAck(third)) this.#deliver(third)
    else if (verb === "HMSG" && /^NATS\/1\.0 \d/.test(payload)) this.#open.delete(subject)
  }

  #ask(subject: string, inbox: string, { batch, expires }: PullRequest): void {
    const fn = functionOf(subject.split(".").at(-1))
    const until = expires === undefined ? Number.POSITIVE_INFINITY : Date.now() + expires / 1e6
    this.#open.set(inbox, { fn, until, missing: batch })
    this.#note(fn)
    this.asks.push({ fn, count: batch, account: this.now(fn) })
  }

  #deliver(reply: string): void {
    this.deliveries++
    const fn = functionOfAck(reply)
    // The first of them is the one that the server fills.
    for (const [inbox, open] of this.#open) {
      if (open.fn !== fn || !isAlive(open)) continue
      if (--open.missing === 0) this.#open.delete(inbox)
      break
    }
    this.#pulled.set(reply, fn)
    this.#note(fn)
  }

  #settle(subject: string, payload: string): void {
    if (!payload.startsWith("+WPI")) this.#pulled.delete(subject)
  }

  /** The server serves no request whose inbox nobody listens to. */
  #forget(inboxes: string | undefined): void {
    if (inboxes === undefined) return
    for (const inbox of this.#open.keys()) if (inbox.startsWith(inboxes)) this.#open.delete(inbox)
  }

  #note(fn: string): void {
    this.#most.set(fn, Math.max(this.most(fn), this.now(fn)))
    this.#mostTogether = Math.max(this.#mostTogether, this.now())
  }
}

const isAlive = (open: Open): boolean => open.until > Date.now()

/** Consumers are called name=namespace=creation. */
const functionOf = (consumer = ""): string => consumer.split("=")[0] ?? ""

/** The long form of the subject (NATS ADR-15) has two parts more in front. */
const functionOfAck = (subject: string): string => {
  const parts = subject.split(".")
  return functionOf(parts[parts.length === 9 ? 3 : 5])
}

/** The account of the worker that connects to `url` instead of to the server on `port`. */
export const keep = Effect.fnUntraced(function* (port: number) {
  const account = new Account()
  const { url } = yield* WireTap.start(port, (said) => account.hear(said))
  return { account, url }
})
