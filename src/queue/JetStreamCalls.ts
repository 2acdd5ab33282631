import { createInbox, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node"
import { Effect, Layer } from "effect"
import type { Lane } from "../domain/Lane.ts"
import { type CallSource, CallSources, type PullHandlers } from "./CallSource.ts"
import * as Consumers from "./Consumers.ts"
import * as Delivery from "./Delivery.ts"
import { atEndOfTurn } from "./EndOfTurn.ts"
import { Ledger } from "./Ledger.ts"
import { Nats } from "./Nats.ts"
import type { QueueError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"
import { untilAnswered } from "./UntilAnswered.ts"

/**
 * Pulls exactly what is asked for: one request at a time, over one inbox a lane (jetstream's own
 * `consume` prefetches and cannot shrink; its `fetch` makes a subscription for every batch).
 */
export const layer = (options: Consumers.ConsumerOptions) =>
  Layer.effect(
    CallSources,
    Effect.gen(function* () {
      const nats = yield* Nats
      const stream = yield* QueueStream
      const ledger = yield* Ledger
      const consumers = yield* Consumers.make(options)

      const waiting = <A>(question: Effect.Effect<A, QueueError>) =>
        nats.whenConnected.pipe(
          Effect.andThen(nats.whenAllowed),
          Effect.andThen(question),
          Effect.retry({ schedule: untilAnswered, while: (error) => error.reason === "unavailable" })
        )

      /** What is executed and cannot be acknowledged is executed again, until it looks like a call that kills. */
      const mayAsk = () => nats.refusals.ofSettling === undefined

      const open = Effect.fnUntraced(function* (lane: Lane, handlers: PullHandlers) {
        const created = stream.created()
        let consumer = ""
        let inbox = ""
        let answers: Subscription | undefined
        const request = new PullRequest(handlers, nats.connection, created)
        const prepareConsumer = Effect.gen(function* () {
          const prepared = yield* consumers.ensure(lane, created)
          consumer = prepared.name
          request.consumerCreated = prepared.created
          // Not before: what is written from now on is delivered with a count that tells.
          yield* ledger.restore(lane.subject, created)
        })
        // Servers up to 2.10 may keep a request that they have not answered: served later, it must find nobody.
        const listenAnew = Effect.sync(() => {
          answers?.drain().catch(() => undefined)
          inbox = createInbox()
          answers = nats.connection.subscribe(`${inbox}.*`, {
            // A subscription that the server refuses comes as an error, without a message; `Refusals` hears of it too.
            callback: (error, message) => {
              if (error === null) request.answer(message)
            }
          })
        })
        yield* Effect.addFinalizer(() => Effect.sync(() => answers?.unsubscribe()))
        // The server forgets open requests with the connection.
        yield* Effect.acquireRelease(
          Effect.sync(() => nats.onReconnect(() => request.lost())),
          (stop) => Effect.sync(stop)
        )
        yield* Effect.acquireRelease(
          Effect.sync(() => nats.refusals.onChange(() => (mayAsk() ? undefined : request.giveUp()))),
          (stop) => Effect.sync(stop)
        )
        yield* Effect.addFinalizer(() => Effect.sync(() => request.close()))
        return {
          ask: (count, waitMillis) => {
            const id = request.open(count, waitMillis)
            // no_wait with an expiry: what is there at once, else the first that comes, then the request ends.
            const wait = waitMillis > 0 ? `,"expires":${Math.ceil(waitMillis * 1e6)}` : ""
            const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream.name}.${consumer}`
            const reply = `${inbox}.${id}`
            atEndOfTurn(() => {
              // The client would keep it and send it after the reconnect, beside the one that is made then.
              if (!nats.connected()) return
              if (!mayAsk()) return request.giveUp()
              nats.connection.publish(subject, `{"batch":${count},"no_wait":true${wait}}`, { reply })
            })
          },
          prepare: Effect.andThen(listenAnew, waiting(prepareConsumer)),
          unfinished: Effect.suspend(() => waiting(consumers.unfinished(consumer)))
        } satisfies CallSource
      })

      return CallSources.of({ open })
    })
  )

/** An answer that takes this much longer than the request may wait will not come any more. */
const GRACE_MILLIS = 2_000

/** Counts what an open request has brought, and when it is over. */
class PullRequest {
  #id = 0
  #missing = 0
  #timer: NodeJS.Timeout | undefined
  readonly #handlers: PullHandlers
  readonly #connection: NatsConnection
  readonly #streamCreated: string
  /** of the consumer that is asked, as a token */
  consumerCreated = ""

  constructor(handlers: PullHandlers, connection: NatsConnection, streamCreated: string) {
    this.#handlers = handlers
    this.#connection = connection
    this.#streamCreated = streamCreated
  }

  /** The new request's id. */
  open(count: number, waitMillis: number): number {
    this.#id++
    this.#missing = count
    // Servers before 2.10 say nothing at all when the consumer is gone.
    this.#timer = setTimeout(() => this.#end("broken"), waitMillis + GRACE_MILLIS)
    return this.#id
  }

  answer(message: Msg): void {
    const delivery = Delivery.fromMessage(
      message,
      this.#connection,
      this.#streamCreated,
      this.consumerCreated
    )
    if (delivery !== undefined) {
      if (this.#missing > 0) this.#missing--
      this.#handlers.delivered(delivery)
      if (this.#missing === 0) this.#end("empty")
      return
    }
    const ofThisRequest = message.subject.endsWith(`.${this.#id}`)
    if (ofThisRequest) this.#end(meaningOf(message))
  }

  lost(): void {
    this.#end("broken")
  }

  /** The consumer is to be prepared before the next request, also when none is open. */
  giveUp(): void {
    this.close()
    this.#missing = 0
    this.#handlers.ended("broken")
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #end(reason: "empty" | "broken"): void {
    if (this.#timer === undefined) return
    this.close()
    this.#missing = 0
    this.#handlers.ended(reason)
  }
}

/** JetStream's status for a pull: 404 and 408 say that no (more) messages are there. */
const meaningOf = (message: Msg): "empty" | "broken" =>
  message.headers?.code === 404 || message.headers?.code === 408 ? "empty" : "broken"
