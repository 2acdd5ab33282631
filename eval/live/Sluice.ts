import { Effect, Schedule } from "effect"
import * as NodeProcess from "../../bench/NodeProcess.ts"
import { LiveError } from "./LiveError.ts"

const readiness = Schedule.spaced("50 millis")

/** `sluice gateway` or `sluice worker` as people start it, ready to work; gone when the scope has closed. */
export const start = Effect.fnUntraced(function* (
  command: "gateway" | "worker",
  environment: Readonly<Record<string, string>>
) {
  const program = yield* NodeProcess.run(["src/main.ts", command], {
    port: "0",
    metrics_port: "0",
    log_encoding: "json",
    ...environment
  })
  const port = (setting: string) =>
    program.logged((line) => {
      const found = new RegExp(`"${setting}":(\\d+)`).exec(line)?.[1]
      return line.includes(`"listening"`) ? found : undefined
    })
  const operations = yield* port("metrics_port")
  yield* Effect.tryPromise(async () => {
    const { ok } = await fetch(`http://127.0.0.1:${operations}/readyz`)
    if (!ok) throw new Error("not ready")
  }).pipe(
    Effect.retry({ schedule: readiness, times: 400 }),
    Effect.mapError(() => new LiveError({ message: `sluice ${command} does not get ready` })),
    Effect.raceFirst(program.crashed)
  )
  return {
    url: command === "gateway" ? `http://127.0.0.1:${yield* port("port")}` : "",
    crashed: program.crashed
  }
})
