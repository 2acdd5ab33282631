import { Kvm } from "@nats-io/kv"
import { Context, Effect, Layer, Result } from "effect"
import * as DeadLetter from "../../src/domain/DeadLetter.ts"
import * as SubjectTemplate from "../../src/domain/SubjectTemplate.ts"
import type { DeadReason } from "../../src/domain/Verdict.ts"
import { DeadLetters } from "../../src/queue/DeadLetters.ts"
import { Nats } from "../../src/queue/Nats.ts"
import { Publisher } from "../../src/queue/Publisher.ts"
import { QueueHealth } from "../../src/queue/QueueHealth.ts"
import { QueueStream } from "../../src/queue/QueueStream.ts"
import { Replays } from "../../src/queue/Replays.ts"
import { type StoredDeadLetter, StoredDeadLetters } from "../../src/queue/StoredDeadLetters.ts"
import { WakeUps } from "../../src/queue/WakeUps.ts"
import { natsClient } from "./Sluice.ts"
import * as Turns from "./Turns.ts"

const subjects = Result.getOrThrow(SubjectTemplate.make("{queue}.{function}.{namespace}", "faas-request"))
const storage = "memory"
const replicas = 1

const replays = Replays.layer.pipe(
  Layer.provideMerge(StoredDeadLetters.layer),
  Layer.provide(Publisher.layer({ subjects, timeoutMillis: 5_000 })),
  Layer.provide(WakeUps.layer)
)

const layer = (url: string, limits: { readonly maxAgeMillis: number; readonly maxBytes: number }) =>
  Layer.merge(replays, DeadLetters.layer({ storage, replicas, ...limits })).pipe(
    Layer.provideMerge(
      QueueStream.layer({
        queue: "faas-request",
        storage,
        replicas
      })
    ),
    Layer.provideMerge(Nats.layer({ url, name: "test" })),
    Layer.provide(QueueHealth.layer)
  )

/** A dead letter as a test describes it. */
interface Died {
  /** in the queue's stream: names the call */
  readonly sequence: number
  readonly fn?: string
  readonly kind?: "callback"
  readonly reason?: DeadReason
  readonly callId?: string
  readonly deadMillis?: number
  readonly message?: string | Uint8Array
  readonly answer?: string
}

/** The dead letters of the default queue at a server, without a worker that makes them. */
export const open = Effect.fnUntraced(function* (
  url: string,
  limits = { maxAgeMillis: 3_600_000, maxBytes: 64 * 1024 ** 2 }
) {
  const client = yield* natsClient(url)
  const context = yield* Layer.build(layer(url, limits))
  const { store } = Context.get(context, DeadLetters)
  const stream = Context.get(context, QueueStream)
  return {
    ...client,
    stored: Context.get(context, StoredDeadLetters),
    replays: Context.get(context, Replays),
    /** One run of a replay, that does one thing after the other when the test says so. */
    replayInTurns: (letter: StoredDeadLetter) =>
      Turns.begin(Context.get(context, Nats), (nats) =>
        Effect.gen(function* () {
          const own = yield* Layer.build(
            replays.pipe(Layer.provide([Layer.succeed(Nats, nats), Layer.succeed(QueueStream, stream)]))
          )
          return yield* Context.get(own, Replays).replay(letter, false)
        }).pipe(Effect.scoped)
      ),
    store: (died: Died) =>
      Effect.suspend(() => {
        const {
          answer,
          callId = `call-${died.sequence}`,
          fn = "echo",
          message = callMessage(fn, callId)
        } = died
        return store({
          fn: { name: fn, namespace: "openfaas-fn" },
          id: DeadLetter.id(stream.created(), died.sequence, "dead"),
          message: Buffer.from(message),
          headers: DeadLetter.headers({
            ...(died.kind === undefined ? {} : { kind: died.kind }),
            reason: died.reason ?? "exhausted",
            detail: "the function answered 500",
            subject: `faas-request.${fn}.openfaas-fn`,
            stream: stream.name,
            streamCreated: stream.created(),
            sequence: died.sequence,
            attempts: 3,
            lastStatus: 500,
            answer:
              answer === undefined
                ? undefined
                : { bytes: Buffer.from(answer).subarray(0, 1024), totalBytes: Buffer.byteLength(answer) },
            acceptedMillis: Date.UTC(2026, 10, 20, 10),
            deadMillis: died.deadMillis ?? Date.UTC(2026, 10, 20, 11),
            callId,
            functionName: `${fn}.openfaas-fn`
          })
        })
      }),
    /** The calls in the queue now, oldest first. */
    queued: Effect.promise(async () => {
      const calls: Array<{ readonly subject: string; readonly call: Record<string, unknown> }> = []
      const { state } = await client.manager.streams.info(stream.name)
      for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq++) {
        const message = await client.manager.streams.getMessage(stream.name, { seq })
        if (message !== null) calls.push({ subject: message.subject, call: message.json() })
      }
      return calls
    })
  }
})

type Box = Effect.Success<ReturnType<typeof open>>

export const first = Effect.fnUntraced(function* ({ stored }: Box) {
  const [letter] = yield* stored.all
  if (letter === undefined) throw new Error("there is no dead letter")
  return letter
})

const claimsBucket = "OF_faas-request_replays"
export const claimsStream = `KV_${claimsBucket}`

/** What a run has left that died after its claim. */
export const claimBefore = (box: Box, link: string, since = "") =>
  Effect.promise(async () => {
    const claims = await new Kvm(box.jetstream).create(claimsBucket, { allow_direct: false })
    await claims.create(link, since)
  })

/** How many claims there are. */
export const claims = (box: Box) =>
  Effect.promise(() => box.manager.streams.info(claimsStream).then(({ state }) => state.messages))

/** A call's message, with everything that has to survive a replay. */
export const callMessage = (fn: string, callId: string, body = "hello"): string =>
  JSON.stringify({
    Header: {
      "X-Call-Id": [callId],
      Authorization: ["Bearer hunter2"],
      "X-Start-Time": ["1"],
      "X-A": ["1", "2"]
    },
    Host: "gateway",
    Body: Buffer.from(body).toString("base64"),
    Method: "POST",
    Path: "/some/path",
    QueryString: "x=1",
    Function: fn,
    Annotations: { "com.openfaas.retry.attempts": "3" },
    CallbackUrl: "http://user:hunter2@receiver:4000/done",
    Later: { kept: true }
  })
