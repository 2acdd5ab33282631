import { Effect, FiberSet } from "effect"
import type { AttemptRecord } from "../../src/domain/AttemptRecord.ts"
import * as StreamCreation from "../../src/domain/StreamCreation.ts"
import { CallSources, type PullHandlers } from "../../src/queue/CallSource.ts"
import type { Delivery } from "../../src/queue/Delivery.ts"
import { Ledger } from "../../src/queue/Ledger.ts"
import type { QueueError } from "../../src/queue/QueueError.ts"
import type { Life, Wire } from "./Wire.ts"

export interface Message {
  readonly sequence: number
  readonly subject: string
  readonly id: string
  readonly data: Uint8Array
  readonly storedAt: number
  deliveries: number
  /** when it may be delivered (again) */
  due: number
}

interface Options {
  readonly queue: string
  readonly created: string
  readonly ackWait: number
  readonly duplicateWindow: number
  readonly now: () => number
  readonly wire: Wire
  /** An acknowledgement has come. */
  readonly removed: (message: Message) => void
}

/** How long an actor waits for a pull that is not answered. */
const SILENCE = 2_000

/** One stream with its consumers and its ledger: what JetStream promises, and not more. Times are milliseconds. */
export class MemoryStream {
  readonly created: string
  /** All that was ever stored. */
  readonly stored: Array<Message> = []
  readonly records = new Map<number, AttemptRecord>()
  /** The most deliveries of one message that the ledger takes to have ended with their worker. */
  mostBlamed = 0
  readonly #messages = new Map<number, Message>()
  readonly #options: Options
  #consumer = 1

  constructor(options: Options) {
    this.#options = options
    this.created = options.created
  }

  get #consumerName(): string {
    return StreamCreation.token(new Date(this.#consumer * 1_000).toISOString())
  }

  get size(): number {
    return this.#messages.size
  }

  has(sequence: number): boolean {
    return this.#messages.has(sequence)
  }

  /** Whether the server waits for what becomes of a delivery. */
  isOut(delivery: Delivery): boolean {
    const { consumer, deliveryCount, streamCreated, streamSequence } = delivery
    if (streamCreated !== this.created) return false
    const message = this.#messages.get(streamSequence)
    return message?.deliveries === deliveryCount && consumer === this.#consumerName
  }

  /** False for an id that it knows. */
  publish(subject: string, id: string, data: Uint8Array): boolean {
    const storedAt = this.#options.now()
    const known = this.stored.findLast((message) => message.id === id)
    if (known !== undefined && storedAt - known.storedAt < this.#options.duplicateWindow) return false
    const message = { sequence: this.stored.length + 1, subject, id, data, storedAt, deliveries: 0, due: 0 }
    this.stored.push(message)
    this.#messages.set(message.sequence, message)
    return true
  }

  unfinished(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { subject } of this.#messages.values()) counts.set(subject, (counts.get(subject) ?? 0) + 1)
    return counts
  }

  redeliver(): void {
    for (const message of this.#messages.values()) message.due = 0
  }

  forget(): void {
    this.#consumer++
    this.redeliver()
    for (const message of this.#messages.values()) message.deliveries = 0
  }

  /** Where a worker's actors get their messages; `seen` is told of each one that they get. */
  sources(life: Life, seen: (delivery: Delivery) => void): CallSources["Service"] {
    const { wire } = this.#options
    const { travel } = wire
    const open = (subject: string, handlers: PullHandlers) =>
      Effect.map(FiberSet.makeRuntime<never, void>(), (run) => ({
        ask: (count: number, waitMillis: number) => {
          let missing = count
          let isOpen = true
          /** As soon as the last one has come: by then the next request may be made. */
          const end = (reason: "empty" | "broken") => {
            if (isOpen) handlers.ended(reason)
            isOpen = false
          }
          const pull = Effect.gen({ self: this }, function* () {
            const take = () => this.#take(subject, count, life)
            let taken = yield* wire.request(life, `pulls ${count}`, take)
            if (taken.length === 0 && waitMillis > 0) {
              yield* Effect.sleep(waitMillis)
              taken = take()
            }
            for (const delivery of taken) {
              const arrive = () => {
                seen(delivery)
                handlers.delivered(delivery)
                if (--missing === 0) end("empty")
              }
              yield* wire.request(life, `gets ${name(delivery)}`, () => life.alive && arrive())
            }
          })
          run(
            Effect.matchEffect(pull, {
              onSuccess: () => Effect.sync(() => end("empty")),
              onFailure: () =>
                Effect.andThen(
                  Effect.sleep(SILENCE),
                  Effect.sync(() => end("broken"))
                )
            })
          )
        },
        prepare: travel,
        unfinished: Effect.map(travel, () => this.unfinished().get(subject) ?? 0)
      }))
    return CallSources.of({ open: ({ subject }, handlers) => open(subject, handlers) })
  }

  /** A worker's view of the ledger of attempts. */
  ledger(life: Life): Ledger["Service"] {
    const { wire } = this.#options
    const known = new WeakMap<Delivery, AttemptRecord | undefined>()
    const know = (delivery: Delivery, record: AttemptRecord | undefined) => {
      known.set(delivery, record)
      return record
    }
    return Ledger.of({
      restore: () => Effect.void,
      read: (delivery) =>
        delivery.deliveryCount === 1 && this.#consumer === 1
          ? Effect.sync(() => known.get(delivery))
          : untilAnswered(
              wire.request(life, `reads ${name(delivery)}`, () =>
                know(delivery, this.records.get(delivery.streamSequence))
              )
            ),
      write: (delivery, change) => {
        let written: AttemptRecord | undefined
        const write = () => {
          if (written !== undefined) return written
          const record = this.records.get(delivery.streamSequence)
          written = { ...change(record, delivery), write: "" }
          this.records.set(delivery.streamSequence, written)
          this.mostBlamed = Math.max(this.mostBlamed, written.unfinished)
          know(delivery, written)
          return written
        }
        return untilAnswered(wire.request(life, `writes ${name(delivery)}`, write))
      },
      hasEntry: (delivery) => known.get(delivery) !== undefined,
      forget: (delivery, gone) => {
        const { streamSequence } = delivery
        const record = known.get(delivery)
        const forget = () => {
          // By its revision: what somebody else has written since stays.
          if (this.records.get(streamSequence) === record) this.records.delete(streamSequence)
        }
        gone.then((isGone) => isGone && wire.tell(life, `forgets ${name(delivery)}`, forget))
      }
    })
  }

  #take(subject: string, count: number, life: Life): ReadonlyArray<Delivery> {
    const now = this.#options.now()
    const due = [...this.#messages.values()].filter(
      (message) => message.subject === subject && message.due <= now
    )
    // What was delivered before comes first.
    const taken = due.sort((one, other) => Math.sign(other.deliveries) - Math.sign(one.deliveries))
    return taken.slice(0, count).map((message) => {
      message.deliveries++
      message.due = now + this.#options.ackWait
      return this.#delivery(message, life, due.length - 1)
    })
  }

  #delivery(message: Message, life: Life, pending: number): Delivery {
    const { ackWait, now, wire } = this.#options
    const { sequence } = message
    /** Of the delivery that is spoken about: the consumer, and how often it had delivered the message then. */
    const current = () => (delivery.renewal ?? delivery).replyTo.split(" ").map(Number)
    /** A consumer that was made anew knows nothing of what it has not delivered itself. */
    const isKnown = () =>
      this.#messages.has(sequence) && (current()[0] === this.#consumer || message.deliveries > 0)
    let settled = false
    const settle = (what: string, act: () => void) => {
      if (settled) return
      settled = true
      wire.tell(life, `${what} ${name(delivery)}`, () => isKnown() && act())
    }
    const delivery: Delivery = {
      deliveryCount: message.deliveries,
      streamSequence: sequence,
      acceptedMillis: message.storedAt,
      pending,
      subject: message.subject,
      streamCreated: this.created,
      consumer: this.#consumerName,
      data: message.data,
      replyTo: `${this.#consumer} ${message.deliveries}`,
      settled: () => settled,
      renewal: undefined,
      movedWith: undefined,
      ack: (heard) =>
        settle("acks", () => {
          this.#messages.delete(sequence)
          this.#options.removed(message)
          if (heard !== undefined) wire.tell(life, `hears that ${name(delivery)} is gone`, () => heard(true))
        }),
      nak: (delayMillis) => settle("naks", () => void (message.due = now() + delayMillis)),
      working: () => {
        const [consumer, deliveries] = current()
        const isOut = consumer === this.#consumer && message.deliveries === deliveries && message.due > now()
        if (life.alive && !settled && isOut) message.due = now() + ackWait
      }
    }
    return delivery
  }
}

const untilAnswered = <A>(question: Effect.Effect<A, QueueError>): Effect.Effect<A> =>
  question.pipe(Effect.eventually)

const name = ({ subject, streamSequence, deliveryCount }: Delivery): string =>
  `${subject.split(".", 1)[0]}/${streamSequence} (delivery ${deliveryCount})`
