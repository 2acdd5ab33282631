import { setImmediate } from "node:timers/promises"
import { headers, type NatsConnection } from "@nats-io/transport-node"
import { isDangerous, isForSettling, isOfAnotherQueue, pattern, TOPICS } from "../domain/NatsPermissions.ts"
import { WORKING } from "./Delivery.ts"
import { toQueueError, type Violation, violationOf } from "./natsErrors.ts"

/** Something that the server does not let us do. */
interface Refusal extends Violation {
  /** in words, with the remedy */
  readonly detail: string
}

/**
 * What the user that we connect as may not do. The server says so beside the answers, and much of what a worker says
 * has none: an acknowledgement that is forbidden looks like one that was taken. Permissions belong to a connection,
 * and whoever reloads the server's configuration changes them on one that is there.
 */
export class Refusals {
  readonly #connection: NatsConnection
  /** the queue that counts; undefined: all do */
  readonly #queue: string | undefined
  /** by operation and pattern */
  readonly #present = new Map<string, Refusal>()
  readonly #told = new Set<string>()
  /** since the last question whether something is still refused */
  readonly #heard = new Set<string>()
  readonly #listeners = new Set<() => void>()
  #needed: ReadonlyArray<string> = []

  constructor(connection: NatsConnection, queue: string | undefined) {
    this.#connection = connection
    this.#queue = queue
    void this.#listen()
  }

  /** Calls back when something is refused that was not, or allowed again; returns the way to stop that. */
  onChange(callback: () => void): () => void {
    this.#listeners.add(callback)
    return () => this.#listeners.delete(callback)
  }

  /** A refusal that was not told on this connection; undefined for what is none. */
  news(error: Error): Refusal | undefined {
    const violation = violationOf(error)
    if (violation === undefined || this.#told.has(keyOf(violation))) return undefined
    this.#told.add(keyOf(violation))
    return { ...violation, detail: toQueueError(error).detail }
  }

  /** Something that the program needs. */
  get first(): Refusal | undefined {
    return this.#find(() => true)
  }

  /** Something without which no call can be had or settled. */
  get ofSettling(): Refusal | undefined {
    return this.#find(isForSettling)
  }

  /** Which of the subjects are refused, now; on every connection to come they are tried too. They have to be harmless. */
  async need(subjects: ReadonlyArray<string>): Promise<ReadonlyArray<Refusal>> {
    this.#needed = subjects
    await this.#try(subjects)
    const patterns = new Set(subjects.map(pattern))
    return [...this.#present.values()].filter(({ subject }) => patterns.has(pattern(subject)))
  }

  /**
   * Forgets what is allowed again: people change permissions without a word to us. A subscription that was refused
   * is gone, and comes back with the next connection only.
   */
  async tryAgain(): Promise<void> {
    const published = [...this.#present].filter(([, { operation }]) => operation === "publish")
    const refused = published.filter(([, { subject }]) => !isDangerous(subject))
    // What changes something cannot be tried: whoever really needs it hears of it again.
    for (const [key, { subject }] of published) if (isDangerous(subject)) this.#present.delete(key)
    if (refused.length === 0) return
    this.#heard.clear()
    await this.#try(refused.map(([, { subject }]) => subject))
    const allowed = refused.filter(([key]) => !this.#heard.has(key))
    for (const [key] of allowed) {
      this.#present.delete(key)
      this.#told.delete(key)
    }
    if (allowed.length > 0) this.#change()
  }

  async #try(subjects: ReadonlyArray<string>): Promise<void> {
    // On an acknowledgement's subject it does no more than give the call time, and no request looks like it.
    for (const subject of subjects) this.#connection.publish(subject, WORKING, { headers: forNobody() })
    // What the server refuses it says before it answers this; then we have to have read it.
    await this.#connection.flush()
    await setImmediate()
  }

  async #listen(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === "reconnect") this.#begin()
      if (status.type === "error") this.#hear(status.error)
    }
  }

  #hear(error: Error): void {
    const violation = violationOf(error)
    if (violation === undefined) return
    const key = keyOf(violation)
    this.#heard.add(key)
    if (this.#present.has(key)) return
    this.#present.set(key, { ...violation, detail: toQueueError(error).detail })
    this.#change()
  }

  /** Another connection has its own permissions. */
  #begin(): void {
    this.#present.clear()
    this.#told.clear()
    this.#change()
    this.#try(this.#needed).catch(() => undefined)
  }

  #change(): void {
    for (const callback of this.#listeners) callback()
  }

  #find(matters: (subject: string) => boolean): Refusal | undefined {
    const ours = (subject: string) =>
      !subject.startsWith(TOPICS) && (this.#queue === undefined || !isOfAnotherQueue(subject, this.#queue))
    return [...this.#present.values()].find(({ subject }) => ours(subject) && matters(subject))
  }
}

/** No stream is called so: none takes it. */
const forNobody = () => {
  const nobody = headers()
  nobody.set("Nats-Expected-Stream", "sluice-tries-permissions")
  return nobody
}

const keyOf = ({ operation, subject }: Violation): string => `${operation} ${pattern(subject)}`
