import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as FunctionName from "../../src/domain/FunctionName.ts"
import * as LegacyLane from "../../src/domain/LegacyLane.ts"
import * as ScalingMode from "../../src/domain/ScalingMode.ts"
import * as SharedLane from "../../src/domain/SharedLane.ts"
import { functionNames } from "./arbitraries.ts"

const created = "2026-11-20T12:00:00.123456789Z"
const later = "2026-11-20T12:00:01Z"
const inForce = [undefined, "function", "static"] as const

describe("the mode of a consumer is told by its name:", () => {
  it("every consumer of ours is of one mode, on the stream it was made for and on no other", () => {
    fc.assert(
      fc.property(functionNames, fc.boolean(), (fn, isLegacy) => {
        const lane = LegacyLane.of("faas-request")
        const name = isLegacy ? lane.consumerName(created) : FunctionName.consumerName(fn, created)
        expect(ScalingMode.ofConsumer(name, created)).toBe("function")
        expect(ScalingMode.ofConsumer(name, later)).toBeUndefined()
      })
    )
    expect(ScalingMode.ofConsumer(SharedLane.consumerName(created), created)).toBe("static")
    expect(ScalingMode.ofConsumer(SharedLane.consumerName(created), later)).toBeUndefined()
  })

  it.each(["faas-workers", "backup", "a=b=c"])("%s is a stranger's", (name) => {
    expect(ScalingMode.ofConsumer(name, created)).toBeUndefined()
  })

  it("of two consumers of ours, either both are of one mode or each is a rival of the other", () => {
    const shared = SharedLane.consumerName(created)
    const legacy = LegacyLane.of("faas-request").consumerName(created)
    fc.assert(
      fc.property(functionNames, (fn) => {
        const own = FunctionName.consumerName(fn, created)
        const all = [own, shared, legacy, "backup", SharedLane.consumerName(later)]
        expect(ScalingMode.rivalsOf(own, all, created)).toEqual([shared])
        expect(ScalingMode.rivalsOf(shared, all, created)).toEqual([own, legacy])
        expect(ScalingMode.rivalsOf("backup", all, created)).toEqual([])
      })
    )
  })

  it("a function's consumer has the name of no other lane", () => {
    fc.assert(
      fc.property(functionNames, (fn) => {
        const others = [SharedLane.consumerName(created), LegacyLane.of("faas-request").consumerName(created)]
        expect(others).not.toContain(FunctionName.consumerName(fn, created))
      })
    )
  })
})

describe("a worker that wants to serve", () => {
  it.each(inForce)("never goes beside one that serves in the other mode (in force: %s)", (present) => {
    expect(ScalingMode.yieldsTo("function", present, "serving")).toBe(true)
    expect(ScalingMode.yieldsTo("static", present, "serving")).toBe(true)
  })

  it.each(inForce)(
    "either yields to one that waits in the other mode or is yielded to (in force: %s)",
    (present) => {
      const one = ScalingMode.yieldsTo("function", present, "waiting")
      expect(ScalingMode.yieldsTo("static", present, "waiting")).toBe(!one)
    }
  )

  it("goes first in the mode in force", () => {
    expect(ScalingMode.yieldsTo("static", "static", "waiting")).toBe(false)
    expect(ScalingMode.yieldsTo("function", "function", "waiting")).toBe(false)
  })

  it("is patient where the other mode is in force, and quick elsewhere", () => {
    expect(ScalingMode.patience("static", "function")).toBeGreaterThanOrEqual(ScalingMode.RIVAL_MILLIS)
    expect(ScalingMode.patience("static", "static")).toBeLessThan(500)
    expect(ScalingMode.patience("function", undefined)).toBeLessThan(500)
  })
})
