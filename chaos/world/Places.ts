import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schedule, Scope } from "effect"
import { spawnProgram } from "../../test/support/Sluice.ts"
import { Turn } from "./Turn.ts"
import type { History } from "../history/History.ts"
import { calledFunctions } from "../plan/CalledFunction.ts"
import * as Settings from "../plan/Settings.ts"
import * as Wire from "../wire/Wire.ts"

type Program = Effect.Success<ReturnType<typeof spawnProgram>>

/** Where a worker or gateway runs, one process after the other: a process that was killed is replaced. */
export interface Place {
  /** w1, w2, g1... */
  readonly name: string
  readonly command: "worker" | "gateway"
  readonly wire: Wire.Wire
  /** of the present process, such as w2.3 */
  readonly life: () => string
  readonly pid: () => number | undefined
  /** of a gateway, while it can be called */
  readonly url: () => string | undefined
  /** Whether it answers on its operations port; undefined while it is being started. */
  readonly probe: () => Promise<unknown> | undefined
  /** Sends a signal at once. */
  readonly signal: (signal: NodeJS.Signals) => void
  /** Waits for the end of the present process. */
  readonly ended: Effect.Effect<void>
  /** Starts the next process; done when it is ready. */
  readonly start: Effect.Effect<void>
  /** Faults of one place happen one after the other. */
  readonly turn: Turn
  /** Everything that its processes have logged. */
  readonly log: () => string
}

interface Options {
  readonly name: string
  readonly command: "worker" | "gateway"
  readonly directory: string
  readonly natsPorts: ReadonlyArray<number>
  readonly functionUrls: ReadonlyMap<string, string>
  readonly replicas: number
  readonly limiterEnabled: boolean
  readonly history: History
}

const READY_TRIES = 1_200
/** Milliseconds that an answer about a program's health may take. */
const ANSWER = 5_000
const readiness = Schedule.spaced("50 millis")

export const make = Effect.fnUntraced(function* (options: Options) {
  const { command, directory, history, name } = options
  const wire = yield* Wire.start(options.natsPorts)
  const scope = yield* Effect.scope
  const programs: Array<{ readonly life: string; readonly program: Program }> = []
  let url: string | undefined
  let operationsUrl: string | undefined
  const life = () => `${name}.${programs.length}`
  const program = () => programs.at(-1)?.program

  wire.listen((meaning) => {
    if (meaning._tag === "Delivered") {
      const { call, count, sequence } = meaning
      history.record({ e: "delivered", worker: life(), call, sequence, count })
    } else if (meaning._tag === "Settled" && meaning.of === "call") {
      history.record({ e: "settled", worker: life(), sequence: meaning.sequence, how: meaning.how })
    }
  })

  const start = Effect.gen(function* () {
    const next = `${name}.${programs.length + 1}`
    const file = join(directory, `functions-${next}.yaml`)
    yield* Effect.promise(() => writeFile(file, functionsYaml(options.functionUrls, next)))
    const { limiterEnabled, replicas } = options
    const program = yield* spawnProgram([command], {
      ...Settings.environment(wire.url, file, replicas, limiterEnabled)
    }).pipe(Scope.provide(scope))
    programs.push({ life: next, program })
    history.record({ e: "started", program: next, pid: program.pid ?? 0 })
    yield* Effect.forkIn(
      Effect.andThen(
        program.exit,
        Effect.sync(() => history.record({ e: "ended", program: next, pid: program.pid ?? 0 }))
      ),
      scope
    )
    const port = (field: string) =>
      Effect.suspend(() => {
        const line = program.log.lines.find(
          ({ fields, message }) => message === "listening" && field in fields
        )
        return line === undefined ? Effect.fail(new Error("not yet")) : Effect.succeed(line.fields[field])
      })
    const ready = Effect.gen(function* () {
      const operations = `http://127.0.0.1:${yield* port("metrics_port")}`
      yield* Effect.tryPromise(async () => {
        const { ok } = await fetch(`${operations}/readyz`, { signal: AbortSignal.timeout(ANSWER) })
        if (!ok) throw new Error("not ready")
      })
      operationsUrl = operations
      if (command === "gateway") url = `http://127.0.0.1:${yield* port("port")}`
    })
    yield* ready.pipe(
      Effect.retry({ schedule: readiness, times: READY_TRIES }),
      Effect.catch(() => Effect.die(new Error(`${next} does not get ready`))),
      // A process that a fault kills at its start will be replaced by that fault.
      Effect.raceFirst(program.exit)
    )
  })

  return {
    name,
    command,
    wire,
    life,
    pid: () => program()?.pid,
    url: () => url,
    probe: () =>
      operationsUrl === undefined
        ? undefined
        : fetch(`${operationsUrl}/healthz`, { signal: AbortSignal.timeout(ANSWER) }).then((answer) =>
            answer.text()
          ),
    signal: (signal) => {
      const pid = program()?.pid
      if (pid === undefined) return
      try {
        process.kill(pid, signal)
      } catch {
        // It has ended already.
      }
      if (signal === "SIGKILL" || signal === "SIGTERM") url = operationsUrl = undefined
    },
    ended: Effect.suspend(() => program()?.exit ?? Effect.void).pipe(Effect.asVoid),
    start,
    turn: new Turn(),
    log: () =>
      programs
        .flatMap(({ life, program }) =>
          program.log.lines.map(
            ({ fields, level, message }) => `${life} ${level} ${message} ${JSON.stringify(fields)}`
          )
        )
        .join("\n")
  } satisfies Place
})

/** YAML reads JSON. The URL says which process calls, so that each attempt is known to be somebody's. */
const functionsYaml = (urls: ReadonlyMap<string, string>, life: string): string =>
  JSON.stringify({
    functions: calledFunctions.map(({ limit, name, retries }) => ({
      name,
      url: `${urls.get(name)}/${life}/${name}`,
      annotations: { "sluice.limit": String(limit), "com.openfaas.retry.attempts": String(retries) }
    }))
  })
