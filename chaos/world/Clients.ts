import { Effect, Schedule } from "effect"
import type { History } from "../history/History.ts"
import type { PlannedCall } from "../plan/Plan.ts"
import type { Place } from "./Places.ts"

/** Posts at once, at most: while NATS is away, each one waits for `publish_timeout`. */
const CLIENTS = 24
const LOOK = Schedule.spaced("50 millis")
/** Milliseconds after which a client gives up. */
const PATIENCE = 4_000

/** Posts the calls, spread evenly over so many milliseconds, to the gateways in turn; each is posted once. */
export const post = Effect.fnUntraced(function* (
  calls: ReadonlyArray<PlannedCall>,
  overMillis: number,
  gateways: ReadonlyArray<Place>,
  receiverUrl: string,
  history: History
) {
  const start = history.now()
  yield* Effect.forEach(
    calls,
    (call, index) =>
      Effect.gen(function* () {
        const due = start + (overMillis * index) / calls.length
        if (due > history.now()) yield* Effect.sleep(due - history.now())
        const gateway = yield* Effect.repeat(
          Effect.sync(() => upFrom(gateways, index)),
          { until: (found) => found !== undefined, schedule: LOOK }
        )
        const callback = call.callback ? `${receiverUrl}/${call.id}` : undefined
        yield* Effect.promise(() => postOne(call, gateway, callback, history))
      }),
    { concurrency: CLIENTS, discard: true }
  )
})

/** The next gateway that is up; undefined when a fault has taken all of them. */
const upFrom = (gateways: ReadonlyArray<Place>, index: number): Place | undefined =>
  gateways
    .map((_, turn) => gateways[(index + turn) % gateways.length])
    .find((gateway) => gateway?.url() !== undefined)

const postOne = async (
  call: PlannedCall,
  gateway: Place | undefined,
  callback: string | undefined,
  history: History
): Promise<void> => {
  const { fn, id } = call
  history.record({ e: "posted", call: id, fn, callback: call.callback, gateway: gateway?.life() ?? "" })
  const refused = (stored: "no" | "unknown", detail: string) =>
    history.record({ e: "refused", call: id, stored, detail })
  const url = gateway?.url()
  if (url === undefined) return refused("no", "no gateway is up")
  try {
    const response = await fetch(`${url}/async-function/${fn}`, {
      method: "POST",
      headers: { "X-Call-Id": id, ...(callback === undefined ? {} : { "X-Callback-Url": callback }) },
      body: `work of ${id}`,
      signal: AbortSignal.timeout(PATIENCE)
    })
    const text = await response.text()
    if (response.status === 202) return history.record({ e: "accepted", call: id })
    refused(text.includes("was not stored") ? "no" : "unknown", `${response.status} ${text}`)
  } catch (error) {
    refused("unknown", String(error instanceof Error ? (error.cause ?? error) : error))
  }
}
