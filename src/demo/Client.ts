import { Clock, Duration, Effect } from "effect"
import type { Journal } from "./Journal.ts"
import * as Load from "./Load.ts"

interface Options {
  readonly calls: number
  readonly seed: number
  readonly gatewayUrl: string
  readonly callbackUrl: string
}

const AT_ONCE = 16

/** Posts every call of the run, wave by wave, and notes what the gateway says. */
export const postAll = Effect.fnUntraced(function* (options: Options, journal: Journal) {
  const startedAt = yield* Clock.currentTimeMillis
  const interval = Load.waveIntervalMillis(options.calls)
  for (const [index, wave] of Load.waves(options.calls, options.seed).entries()) {
    const wait = startedAt + index * interval - (yield* Clock.currentTimeMillis)
    yield* Effect.sleep(Duration.millis(Math.max(0, wait)))
    const from = yield* Clock.currentTimeMillis
    yield* Effect.forEach(wave, (call) => post(call, options, journal), {
      concurrency: AT_ONCE,
      discard: true
    })
    journal.waves.push({ from, to: yield* Clock.currentTimeMillis })
  }
})

const post = Effect.fnUntraced(function* (
  { call, fn }: Load.PlannedCall,
  { callbackUrl, gatewayUrl }: Options,
  journal: Journal
) {
  const status = yield* Effect.tryPromise(async (signal) => {
    const answer = await fetch(`${gatewayUrl}/async-function/${fn}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Call-Id": call, "X-Callback-Url": callbackUrl },
      body: JSON.stringify({ call, text: "the demo of Sluice" }),
      signal
    })
    await answer.arrayBuffer()
    return answer.status
  }).pipe(Effect.orElseSucceed(() => 0))
  journal.posts.push({ call, fn, status })
})
