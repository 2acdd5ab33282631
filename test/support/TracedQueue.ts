/** A queue whose programs tell a collector of their traces. */
import { Effect } from "effect"
import * as Collector from "./Collector.ts"
import * as HttpFunction from "./HttpFunction.ts"
import { startNats } from "./NatsServers.ts"
import type { Environment } from "./Sluice.ts"

export const callersTrace = "0af7651916cd43dd8448eb211c80319c"
export const callersSpan = "b7ad6b7169203331"
export const sampled = `00-${callersTrace}-${callersSpan}-01`
export const notSampled = `00-${callersTrace}-${callersSpan}-00`

/** Sets variables of this process, which programs within it read, until the end of the test. */
export const setVariables = (variables: Environment) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
      Object.assign(process.env, variables)
      return before
    }),
    (before) =>
      Effect.sync(() => {
        for (const [name, value] of before) {
          if (value === undefined) delete process.env[name]
          else process.env[name] = value
        }
      })
  )

export const start = Effect.fnUntraced(function* (variables: Environment, more: Environment = {}) {
  const collector = yield* Collector.start
  const otel = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: "50", ...variables }
  yield* setVariables(otel)
  const nats = yield* startNats()
  const fn = yield* HttpFunction.start()
  const receiver = yield* HttpFunction.start()
  const environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}`, ...more }
  return { collector, nats, fn, receiver, environment, otel }
})

export const traceIdOf = (request: HttpFunction.ReceivedRequest | undefined) =>
  request?.header("traceparent")?.split("-")[1]
export const spanIdOf = (request: HttpFunction.ReceivedRequest | undefined) =>
  request?.header("traceparent")?.split("-")[2]
