import { Effect } from "effect"
import type { Meaning, Stored } from "../wire/Meaning.ts"
import type { Ruling } from "../wire/Wire.ts"
import type { Place } from "../world/Places.ts"
import { begins, chosen, during, placesOf } from "./Mark.ts"
import type { Fault } from "./Strike.ts"
import type { World } from "./World.ts"

type Moment = (meaning: Meaning) => boolean

export const sent =
  (what: Stored): Moment =>
  (meaning) =>
    meaning._tag === "Sent" && meaning.what === what

export const confirmed =
  (what: Stored): Moment =>
  (meaning) =>
    meaning._tag === "Confirmed" && meaning.what === what

export const settled =
  (how: "ack" | "nak", of: "call" | "callback" = "call"): Moment =>
  (meaning) =>
    meaning._tag === "Settled" && meaning.how === how && meaning.of === of

/** At a random moment; another one is started after a while. */
export const atRandom =
  (command: Place["command"]): Fault =>
  (world, planned) => {
    const place = chosen(planned, placesOf(world, command))
    const kind = command === "worker" ? "worker-killed" : "gateway-killed"
    const kill = Effect.suspend(() => {
      const detail = `${place.life()} (${place.pid()})`
      const again = Effect.gen(function* () {
        place.signal("SIGKILL")
        yield* place.ended
        yield* Effect.sleep(planned.length)
        yield* place.start
      })
      return during(world, kind, place.name, detail, again)
    })
    return place.turn.during(kill)
  }

/**
 * When a certain message passes: it is the last one of that process (`last`) or does not arrive at all (`freeze`).
 * Nothing in the product knows about it; the process dies between two lines because the wire saw the first one.
 */
export const at = (moment: Moment, ruling: Ruling): Fault => killedAt(moment, ruling, 0)

/**
 * Something that must be stored before the call is settled does not arrive. What the process says next still does:
 * whoever settles without a confirmation has lost it.
 */
export const atLoss = (what: Stored): Fault => killedAt(sent(what), "drop", NOTICED_LATER)

/** Milliseconds: shorter than any time in which a missing confirmation is noticed. */
const NOTICED_LATER = 500

const killedAt =
  (moment: Moment, ruling: Ruling, afterMillis: number): Fault =>
  (world, planned) => {
    const command = planned.kind.startsWith("gateway") ? "gateway" : "worker"
    const place = chosen(planned, placesOf(world, command))
    return Effect.flatMap(struck(world, place, planned.kind, moment, ruling, afterMillis), (healed) =>
      healed === undefined
        ? Effect.void
        : Effect.gen(function* () {
            yield* Effect.sleep(afterMillis)
            place.signal("SIGKILL")
            yield* place.ended
            yield* Effect.sleep(planned.length)
            yield* place.start
            place.turn.release()
            healed()
          })
    )
  }

/** Strikes when the moment comes; undefined when it does not come in the storm. */
const struck = (
  world: World,
  place: Place,
  kind: Parameters<typeof begins>[1],
  moment: Moment,
  ruling: Ruling,
  afterMillis: number
) =>
  Effect.callback<(() => void) | undefined>((resume) => {
    const stop = place.wire.intercept((meaning) => {
      if (!moment(meaning) || !place.turn.tryTake()) return undefined
      const what = JSON.stringify(meaning)
      const healed = begins(world, kind, place.name, `${place.life()} (${place.pid()}) at ${what}`)
      // Before it can say another word.
      if (afterMillis === 0) place.signal("SIGKILL")
      end(healed)
      return ruling
    })
    const timer = setTimeout(() => end(undefined), Math.max(0, world.stormEnds() - world.history.now()))
    const end = (healed: (() => void) | undefined) => {
      clearTimeout(timer)
      stop()
      resume(Effect.succeed(healed))
    }
  })
