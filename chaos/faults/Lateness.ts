import { Effect, Schedule } from "effect"
import type { World } from "./World.ts"

const LOOK = Schedule.spaced("250 millis")
/** Milliseconds: an eighth of `ack_wait`, which workers have to say that they live. */
const LATE = 500

/**
 * Asks NATS and the workers for a sign of life all the time and writes down when one takes long: on a machine with
 * too much to do, whoever gets no time looks as if a fault had stopped him. The question goes through the harness,
 * so that it tells of that too.
 */
export const watch = Effect.fnUntraced(function* ({ history, streams, workers }: World) {
  const ask = (who: string, question: () => Promise<unknown> | undefined) =>
    Effect.promise(async () => {
      const asked = history.now()
      // Whoever has been killed gives no answer, and is written down elsewhere.
      await question()?.catch(() => undefined)
      const millis = Math.round(history.now() - asked)
      if (millis >= LATE) history.record({ e: "late", who, millis })
    }).pipe(Effect.repeat({ schedule: LOOK }), Effect.forkScoped)
  yield* ask("nats", streams.ping)
  for (const worker of workers) yield* ask(worker.name, worker.probe)
})
