import { randomInt } from "node:crypto"
import { Effect } from "effect"
import type * as NatsServer from "../../src/natsserver/NatsServer.ts"
import { startNats } from "./NatsServers.ts"

/**
 * A server that can be stopped and started again while other tests run: on a port that the system gives to nobody
 * who asks for a free one, so that it is still free after the stop.
 */
export const start = (options: Pick<NatsServer.Options, "bin" | "config"> = {}) =>
  Effect.suspend(() => startNats({ ...options, port: randomInt(10_000, 32_000) })).pipe(
    Effect.retry({ times: 10 })
  )
