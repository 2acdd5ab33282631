/** A queue for a worker with the adaptive limit, which a test starts when it wants to. */
import { Effect } from "effect"
import { startNats } from "./NatsServers.ts"
import * as PullAccount from "./PullAccount.ts"
import { type Environment, startGateway, startWorker } from "./Sluice.ts"
import * as Stranger from "./Stranger.ts"

/** A queue without a worker, and somebody who keeps the account. */
export const prepare = Effect.fnUntraced(function* (url: string, more: Environment = {}, bin?: string) {
  const nats = yield* startNats({ bin })
  const { account, url: watchedUrl } = yield* PullAccount.keep(nats.port)
  const environment: Environment = {
    NATS_URL: watchedUrl,
    function_url: `${url}/{name}`,
    limiter_enabled: "true",
    ...more
  }
  // It makes the stream, so that calls can wait before there is a worker.
  yield* startGateway({ ...environment, NATS_URL: nats.url })
  const stranger = yield* Stranger.meet(nats.url)
  const publish = (name: string, id: string, callback?: string) =>
    stranger.publish(name, {
      Function: name,
      Method: "POST",
      Header: { "X-Call-Id": [id] },
      ...(callback === undefined ? {} : { CallbackUrl: callback })
    })
  return {
    environment,
    stranger,
    account,
    publish,
    publishMany: (name: string, count: number) =>
      Effect.forEach(
        Array.from({ length: count }, (_, index) => `${name}-${index}`),
        (id) => publish(name, id),
        { discard: true }
      ),
    startWorker: startWorker(environment),
    /** Waits until every call is finished. */
    finished: stranger.allFinished
  }
})

/** How many different ones there are. */
export const distinct = (ids: ReadonlyArray<string>) => new Set(ids).size
