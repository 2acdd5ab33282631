import { Effect } from "effect"
import { LiveError } from "./LiveError.ts"

/** A call that the gateway has taken; milliseconds of the wall clock. */
export interface Accepted {
  readonly call: string
  readonly at: number
}

/** Posts calls as so many clients at once do, each as soon as the one before is accepted. */
export const post = Effect.fnUntraced(function* (
  gatewayUrl: string,
  calls: number,
  clients: number,
  accepted: Array<Accepted>
) {
  let next = 0
  const client = Effect.tryPromise({
    try: async () => {
      while (next < calls) {
        const call = `call-${next++}`
        const response = await fetch(`${gatewayUrl}/async-function/sleep`, {
          method: "POST",
          headers: { "X-Call-Id": call }
        })
        await response.arrayBuffer()
        if (response.status !== 202) throw new Error(`${call} was answered ${response.status}`)
        accepted.push({ call, at: Date.now() })
      }
    },
    catch: (cause) =>
      new LiveError({
        message: `a call could not be posted: ${cause instanceof Error ? cause.message : cause}`
      })
  })
  yield* Effect.all(
    Array.from({ length: clients }, () => client),
    { concurrency: "unbounded" }
  )
})
