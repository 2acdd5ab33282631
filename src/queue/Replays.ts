import { Clock, Context, Effect, Layer, Option, Result } from "effect"
import * as CallbackLane from "../domain/CallbackLane.ts"
import * as Replay from "../domain/Replay.ts"
import { callbacksQueue, queueStreamName } from "../domain/StreamRules.ts"
import { streamName } from "./DeadLetters.ts"
import { Nats } from "./Nats.ts"
import { isStreamNotFound, toQueueError } from "./natsErrors.ts"
import { Publisher, toPublishError } from "./Publisher.ts"
import { type PublishError, QueueError } from "./QueueError.ts"
import { QueueStream } from "./QueueStream.ts"
import * as ReplayClaims from "./ReplayClaims.ts"
import { type StoredDeadLetter, StoredDeadLetters } from "./StoredDeadLetters.ts"

/** What became of a letter that was to be replayed. */
export type Replayed =
  /** The new call, or the result for its receiver, is in its queue and the letter is gone. */
  | { readonly _tag: "Published" }
  /** Somebody has replayed or removed it since it was listed. */
  | { readonly _tag: "Gone" }
  /** Another run replays it in this moment. */
  | { readonly _tag: "Busy" }
  /** It cannot be replayed; the letter stays. */
  | { readonly _tag: "Refused"; readonly detail: string }
  /** A run that began then has ended in the middle, so long ago that a second publish could be a second call. */
  | { readonly _tag: "Unknown"; readonly sinceMillis: number }

/**
 * Makes new calls of dead letters, and of undelivered results new tries to deliver them. In this order, so that dying at any line loses nothing and doubles nothing:
 *
 *   claim the letter → read it → publish → remove the letter → release the claim
 *
 * The message id is made from the letter, so within the stream's duplicate window (two minutes or more) the
 * publish may be repeated. A claim that is older than that and still there leaves open whether the call was
 * published: then nothing is done unless `again` says so.
 */
export class Replays extends Context.Service<
  Replays,
  {
    readonly replay: (letter: StoredDeadLetter, again: boolean) => Effect.Effect<Replayed, QueueError>
  }
>()("sluice/queue/Replays") {
  static readonly layer = Layer.effect(
    Replays,
    Effect.suspend(() => make)
  )
}

/** From the first claim to the publish it needs this much at most, or gives up. */
const PUBLISH_MARGIN_MILLIS = 15_000

const PUBLISH_TIMEOUT_MILLIS = 5_000

/** It was certainly not stored. */
const isRefusal = ({ reason }: PublishError): boolean =>
  reason === "queue-full" || reason === "too-large" || reason === "forbidden"

const gone: Replayed = { _tag: "Gone" }
const busy: Replayed = { _tag: "Busy" }
const published: Replayed = { _tag: "Published" }

const make = Effect.gen(function* () {
  const nats = yield* Nats
  const { manager, request } = nats
  const stream = yield* QueueStream
  const letters = yield* StoredDeadLetters
  const publisher = yield* Publisher
  const claims = ReplayClaims.make(nats, stream.name)

  const callbacks = callbacksQueue(stream.queue)
  const streamOf = ({ _tag }: Replay.Replay) =>
    request(() => manager.streams.info(_tag === "Call" ? stream.name : queueStreamName(callbacks))).pipe(
      Effect.catch((error) =>
        _tag === "Callback" && isStreamNotFound(error) ? Effect.succeed(undefined) : Effect.fail(error)
      )
    )

  const publish = (replay: Replay.Replay, id: string) =>
    replay._tag === "Call"
      ? publisher.publish(replay.fn, replay.message, id)
      : request(() =>
          nats.jetstream.publish(CallbackLane.of(callbacks, replay.url).subject, replay.message, {
            msgID: id,
            timeout: PUBLISH_TIMEOUT_MILLIS
          })
        ).pipe(Effect.mapError(toPublishError))

  const replay = Effect.fnUntraced(
    function* (letter: StoredDeadLetter, again: boolean) {
      const dead = yield* request(() => manager.streams.info(streamName(stream.name)))
      const claim = yield* claims.take(letter.link, dead.config, again)
      if (claim === undefined) return busy
      const release = claims.release(letter.link)

      // After the claim: a run that was faster has removed the letter before it released its own.
      const contents = yield* letters.open(letter)
      if (Option.isNone(contents)) return yield* Effect.as(release, gone)
      const made = yield* replayOf(letter, contents.value.message)
      if (Result.isFailure(made)) {
        yield* release
        return { _tag: "Refused", detail: made.failure } satisfies Replayed
      }
      const target = yield* streamOf(made.success)
      if (target === undefined) {
        yield* release
        const detail = "there is no stream of callbacks to put it into: start a worker, which makes it"
        return { _tag: "Refused", detail } satisfies Replayed
      }
      const window = target.config.duplicate_window / 1e6 - PUBLISH_MARGIN_MILLIS
      if (!claim.isFirst && !again && claim.ageMillis > window) {
        return { _tag: "Unknown", sinceMillis: claim.sinceMillis } satisfies Replayed
      }

      const refusal = yield* publish(made.success, `replay-${letter.link}`).pipe(
        Effect.as(undefined),
        Effect.catch((error) =>
          isRefusal(error)
            ? Effect.succeed(error.detail)
            : Effect.fail(new QueueError({ reason: "unavailable", detail: error.detail }))
        )
      )
      if (refusal !== undefined) {
        // An earlier try may have gone through: its claim has to stay.
        if (claim.isFirst) yield* release
        return { _tag: "Refused", detail: `the queue did not take it: ${refusal}` } satisfies Replayed
      }
      yield* letters.remove(letter)
      yield* release
      return published
    },
    Effect.mapError((error) => (error instanceof QueueError ? error : toQueueError(error)))
  )

  return Replays.of({ replay })
})

const replayOf = (letter: StoredDeadLetter, message: Uint8Array | undefined) =>
  message === undefined
    ? Effect.succeed(Result.fail("its message is gone: it was too large for the letter and was kept aside"))
    : Effect.map(Clock.currentTimeMillis, (now) => Replay.of(letter, message, letter.link, now))
