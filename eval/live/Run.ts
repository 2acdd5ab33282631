import { Console, Duration, Effect } from "effect"
import * as NatsServer from "../../src/natsserver/NatsServer.ts"
import { type Contest, title } from "./Contest.ts"
import * as Functions from "./FunctionsProcess.ts"
import type { Progress } from "./Journal.ts"
import * as Load from "./Load.ts"
import { measure, type Seen } from "./Measured.ts"
import * as Queue from "./Queue.ts"
import * as Sluice from "./Sluice.ts"

/** In flight over all functions in a worker: more than ten replicas take, so that it helps nobody. */
const MAX_INFLIGHT = 100

/** Seconds, the default. nats-server 2.9 now and then keeps a call so long that was given back with a delay. */
const ACK_WAIT = 60

const LOOK = Duration.millis(100)
const PROGRESS_EVERY_MILLIS = 10_000

/** Runs a contest on real parts, in processes of their own: nats-server, gateway, workers, functions. */
export const run = Effect.fnUntraced(function* (contest: Contest) {
  const { contender, scenario, workers } = contest
  const server = yield* NatsServer.start()
  const functions = yield* Functions.start(scenario)
  // A template names a place and nobody to ask for replicas.
  const where: Readonly<Record<string, string>> =
    contender === "hinted"
      ? { gateway_url: functions.url }
      : { function_url: `${functions.url}/function/{name}` }
  const environment = {
    NATS_URL: server.url,
    max_inflight: String(MAX_INFLIGHT),
    limiter_enabled: String(contender !== "greedy"),
    initial_retry_wait: `${scenario.retry.first}s`,
    max_retry_wait: `${scenario.retry.most}s`,
    ...where
  }
  const gateway = yield* Sluice.start("gateway", environment)
  const fleet = yield* Effect.all(
    Array.from({ length: workers }, () => Sluice.start("worker", environment)),
    { concurrency: "unbounded" }
  )
  const queue = yield* Queue.watch(server.url)

  const postedAt = Date.now()
  const accepted: Array<Load.Accepted> = []
  yield* Effect.all(
    [
      Load.post(gateway.url, scenario.calls, scenario.clients, accepted),
      finished(contest, functions.progress)
    ],
    { concurrency: "unbounded" }
  ).pipe(
    Effect.raceFirst(
      Effect.raceAllFirst([gateway, functions, server, ...fleet].map(({ crashed }) => crashed))
    )
  )
  const left = yield* contest.stopAfter === undefined ? settled(queue.unfinished) : queue.unfinished
  const seen: Seen = { postedAt, accepted, journal: yield* functions.journal, depth: queue.depth, left }
  return { seen, measured: measure(contest, seen) }
}, Effect.scoped)

/** Waits until every call has a 2xx, nothing has happened for longer than any retry waits, or time is up. */
const finished = Effect.fnUntraced(function* (contest: Contest, progress: () => Progress) {
  const { scenario, stopAfter = Number.POSITIVE_INFINITY } = contest
  const patience = (Math.max(scenario.retry.most, ACK_WAIT) + scenario.work + 10) * 1000
  const startedAt = Date.now()
  let shownAt = startedAt
  let changedAt = startedAt
  let before = progress().finished
  while (before < scenario.calls && Date.now() - changedAt < patience) {
    if (Date.now() - startedAt >= stopAfter * 1000) return
    yield* Effect.sleep(LOOK)
    const now = progress()
    if (now.finished !== before) changedAt = Date.now()
    before = now.finished
    if (Date.now() - shownAt < PROGRESS_EVERY_MILLIS) continue
    shownAt = Date.now()
    const seconds = Math.round((shownAt - startedAt) / 1000)
    yield* Console.log(`  ${title(contest)}: ${seconds} s, ${sentence(now, contest)}`)
  }
})

const sentence = ({ finished, rejected, replicas, running }: Progress, { scenario }: Contest): string =>
  `${finished} of ${scenario.calls} done, ${running} in flight of ${replicas * scenario.slots}, ${rejected} rejected`

const SETTLE_MILLIS = 5_000

/** The calls that stay in the queue: the last acknowledgements may be on their way. */
const settled = Effect.fnUntraced(function* (unfinished: Effect.Effect<number>) {
  const until = Date.now() + SETTLE_MILLIS
  while (true) {
    const left = yield* unfinished
    if (left === 0 || Date.now() > until) return left
    yield* Effect.sleep(LOOK)
  }
})
