import { AlwaysOnSampler, BasicTracerProvider } from "@opentelemetry/sdk-trace-base"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Traces from "../../src/telemetry/Traces.ts"

const tracer = new BasicTracerProvider({ sampler: new AlwaysOnSampler() }).getTracer("of a test")
const traces = Traces.make({ tracer, following: tracer, parentDecides: true, linkConsumers: false })

const unsayable = (): never => {
  throw new Error("this cannot be said")
}

it.effect("what a step cannot say of itself is left out, and what it lasts for goes on", () =>
  Effect.gen(function* () {
    const span = traces.start({}, "process", "consumer", unsayable)
    span.set(unsayable)
    const child = span.child("POST", "client", unsayable)
    expect(yield* span.during(child.during(Effect.succeed("the answer")))).toBe("the answer")
  })
)
