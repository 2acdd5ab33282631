import type { NatsConnection } from "@nats-io/transport-node"
import { Duration, Effect, Stream } from "effect"
import { pattern, TOPICS } from "../domain/NatsPermissions.ts"
import { isAuthorization, isForbidden } from "./natsErrors.ts"
import { Refusals } from "./Refusals.ts"

/** What is known of the connection to NATS beside what comes over it. */
export interface NatsLink {
  readonly connected: () => boolean
  /** Waits for the connection to be there. */
  readonly whenConnected: Effect.Effect<void>
  /** Calls back after each reconnect; returns the way to stop that. */
  readonly onReconnect: (callback: () => void) => () => void
  readonly refusals: Refusals
  /** Waits until the server lets us have calls and settle them. */
  readonly whenAllowed: Effect.Effect<void>
  /** A question and its answer. Fails at once when the connection is lost: the answer will not come. */
  readonly request: <A>(send: () => Promise<A>) => Effect.Effect<A, unknown>
}

interface NatsLinkOptions {
  /** whose subjects this program has to be let to */
  readonly queue: string | undefined
  /** whoever gives one command is told by its failure what is forbidden */
  readonly stays: boolean
  /** credentials that the server does not take, in words */
  readonly refusal: (error: Error) => string
}

/** A worker that was let in again should not wait for long; a server writes each refusal into its log. */
const TRY_REFUSED_AGAIN = Duration.seconds(5)

/** Follows the connection through losses and reconnects. */
export const follow = Effect.fnUntraced(function* (connection: NatsConnection, options: NatsLinkOptions) {
  const listeners = { disconnect: new Set<() => void>(), reconnect: new Set<() => void>() }
  let connected = true
  let refused: string | undefined

  const refusals = new Refusals(connection, options.queue)
  const forbiddenBy = (error: Error) => {
    const news = refusals.news(error)
    if (news === undefined) return Effect.void
    const fields = { subject: pattern(news.subject), reason: news.detail }
    if (news.subject.startsWith(TOPICS)) {
      return Effect.logWarning("NATS does not let programs of Sluice hear each other", fields)
    }
    return options.stays ? Effect.logError("NATS does not let us do what we have to", fields) : Effect.void
  }

  /** What people have to change is told once a loss; whoever changes it is waited for, because calls are running. */
  const refusedBy = (error: Error) => {
    if (isForbidden(error)) return forbiddenBy(error)
    if (!isAuthorization(error) || refused !== undefined) return Effect.void
    refused = options.refusal(error)
    return Effect.logWarning(refused)
  }

  yield* Effect.forkScoped(
    Stream.fromAsyncIterable(connection.status(), (cause) => cause).pipe(
      Stream.runForEach((status) => {
        if (status.type === "error") return refusedBy(status.error)
        if (status.type !== "disconnect" && status.type !== "reconnect") return Effect.void
        // Each try that the server ends is told as a loss again, and in the end each as a reconnect.
        if (connected === (status.type === "reconnect")) return Effect.void
        connected = !connected
        if (connected) refused = undefined
        for (const callback of listeners[status.type]) callback()
        return Effect.logWarning(`NATS ${status.type}`, { url: status.server })
      }),
      Effect.ignore
    )
  )

  const on = (change: keyof typeof listeners, callback: () => void) => {
    listeners[change].add(callback)
    return () => listeners[change].delete(callback)
  }
  const notConnected = Effect.fail(new Error("NATS is not connected"))
  const request = <A>(send: () => Promise<A>) =>
    Effect.callback<A, unknown>((resume) => {
      if (!connected) return resume(notConnected)
      const stop = on("disconnect", () => resume(notConnected))
      send()
        .then(
          (answer) => resume(Effect.succeed(answer)),
          (error: unknown) => resume(Effect.fail(error))
        )
        .finally(stop)
      return Effect.sync(stop)
    })
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.andThen(Effect.sleep(TRY_REFUSED_AGAIN), Effect.ignore(request(() => refusals.tryAgain())))
    )
  )

  return {
    connected: () => connected,
    /** Why the server does not take our credentials any more, while it does not. */
    refused: () => refused,
    whenConnected: Effect.callback<void>((resume) => {
      if (connected) return resume(Effect.void)
      return Effect.sync(on("reconnect", () => resume(Effect.void)))
    }),
    onReconnect: (callback: () => void) => on("reconnect", callback),
    refusals,
    whenAllowed: Effect.callback<void>((resume) => {
      if (refusals.ofSettling === undefined) return resume(Effect.void)
      const stop = refusals.onChange(() => {
        if (refusals.ofSettling !== undefined) return
        stop()
        resume(Effect.void)
      })
      return Effect.sync(stop)
    }),
    request
  }
})
