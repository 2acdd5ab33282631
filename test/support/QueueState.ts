import type { JetStreamManager } from "@nats-io/jetstream"
import { Effect } from "effect"
import { eventually } from "./Eventually.ts"

/** The default queue's stream. */
export const streamName = "OF_faas-request"

interface Client {
  readonly manager: JetStreamManager
}

/** What the server says about the queue's stream. */
export const streamInfo = ({ manager }: Client) => Effect.promise(() => manager.streams.info(streamName))

/** The consumers of the queue. */
export const consumers = ({ manager }: Client) =>
  Effect.promise(() => Array.fromAsync(manager.consumers.list(streamName)))

/** Waits until so many calls are stored, whether they run or wait. */
export const holds = (client: Client, count: number) =>
  eventually(
    `the queue holds ${count} calls`,
    Effect.map(streamInfo(client), ({ state }) => state.messages === count)
  )

/** Waits until every call is finished. */
export const isEmpty = (client: Client) => holds(client, 0)
