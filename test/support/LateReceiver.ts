import { randomInt } from "node:crypto"
import { Effect } from "effect"
import * as HttpFunction from "./HttpFunction.ts"

/**
 * A receiver that is not there yet: its port is one that the system gives to nobody who asks for a free one, so
 * that it is still free when it starts.
 */
export const reserve = Effect.sync(() => {
  const port = randomInt(10_000, 32_000)
  return { url: `http://127.0.0.1:${port}`, start: HttpFunction.start({ port }) }
})
