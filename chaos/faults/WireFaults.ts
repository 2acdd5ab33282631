import { Effect } from "effect"
import type { Meaning } from "../wire/Meaning.ts"
import type { Ruling } from "../wire/Wire.ts"
import type { Place } from "../world/Places.ts"
import { begins, chosen } from "./Mark.ts"
import type { Fault } from "./Strike.ts"
import type { World } from "./World.ts"

/** The next frame that says anything about a call arrives by half, and the connection breaks. */
export const cut: Fault = (world, planned) => {
  const place = chosen(planned, [...world.workers, ...world.gateways])
  return next(world, place, 1, (meaning) => {
    if (meaning._tag === "Other") return undefined
    begins(world, "connections-cut", place.name, `${place.life()} at ${JSON.stringify(meaning)}`)()
    return "cut"
  })
}

const SEVERAL = 3

/** Acknowledgements that go out while it lasts do not arrive. */
export const acksLost: Fault = (world, planned) => {
  const place = chosen(planned, world.workers)
  return next(world, place, SEVERAL, (meaning) => {
    if (meaning._tag !== "Settled") return undefined
    begins(
      world,
      "acks-lost",
      place.name,
      `${place.life()}: ${meaning.how} of ${meaning.of} ${meaning.sequence}`
    )()
    return "drop"
  })
}

/** Calls that a gateway publishes do not arrive: nobody confirms them. */
export const publishesLost: Fault = (world, planned) => {
  const place = chosen(planned, world.gateways)
  return next(world, place, SEVERAL, (meaning) => {
    if (meaning._tag !== "Sent" || meaning.what !== "call") return undefined
    begins(world, "publishes-lost", place.name, place.life())()
    return "drop"
  })
}

/** Delivered calls come twice. */
export const repeated: Fault = (world, planned) => {
  const place = chosen(planned, world.workers)
  return next(world, place, SEVERAL, (meaning) => {
    if (meaning._tag !== "Delivered") return undefined
    begins(world, "delivery-repeated", place.name, place.life(), { call: meaning.call })()
    return "repeat"
  })
}

/** Delivered calls come when JetStream has given them up and delivers them again. */
export const delayed: Fault = (world, planned) => {
  const place = chosen(planned, world.workers)
  return next(world, place, SEVERAL, (meaning) => {
    if (meaning._tag !== "Delivered") return undefined
    const healed = begins(world, "delivery-delayed", place.name, place.life(), { call: meaning.call })
    setTimeout(healed, planned.length)
    return { holdMillis: planned.length }
  })
}

/** Shows frames to the judge until it has ruled so many times, or the storm is over. */
const next = (world: World, place: Place, times: number, judge: (meaning: Meaning) => Ruling | undefined) =>
  Effect.callback<void>((resume) => {
    let left = times
    const stop = place.wire.intercept((meaning) => {
      const ruling = judge(meaning)
      if (ruling !== undefined && --left === 0) end()
      return ruling
    })
    const timer = setTimeout(() => end(), Math.max(0, world.stormEnds() - world.history.now()))
    const end = () => {
      clearTimeout(timer)
      stop()
      resume(Effect.void)
    }
  })
