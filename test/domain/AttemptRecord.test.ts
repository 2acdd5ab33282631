import { describe, expect, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import * as AttemptRecord from "../../src/domain/AttemptRecord.ts"
import * as MovedCall from "../../src/domain/MovedCall.ts"

/** What may happen next to a call: to its next delivery, or to one that a worker still has. */
type Event =
  | { readonly _tag: "Lost" | "NewConsumer" | "Moved" | "Restart" | "Deliver" }
  | {
      readonly _tag: "Crash" | "CrashBeforeBegin" | "Fail" | "HandBack" | "Expire" | "Renew"
      /** which of the deliveries that are out */
      readonly which: number
    }

const of = (
  ...tags: ReadonlyArray<"Lost" | "NewConsumer" | "Moved" | "Restart" | "Deliver">
): fc.Arbitrary<Event> => fc.constantFrom(...tags).map((_tag) => ({ _tag }))
const toOne = (
  ...tags: ReadonlyArray<"Crash" | "CrashBeforeBegin" | "Fail" | "HandBack" | "Expire" | "Renew">
): fc.Arbitrary<Event> => fc.record({ _tag: fc.constantFrom(...tags), which: fc.nat(3) })

/** A call in a stream, and workers that treat it as the product does. */
class Model {
  readonly limit: number
  record: AttemptRecord.AttemptRecord | undefined
  dead = false
  fails = 0
  crashes = 0
  /** deliveries whose worker was taken for dead and was not */
  expired = 0
  #consumer = 1
  /** of the server, after which it tells another time of the consumer's creation */
  #restarts = 0
  #count = 0
  /** writes after which the latest delivery was taken for somebody else's */
  disowned = 0
  #latest: AttemptRecord.Reader | undefined
  readonly #out: Array<AttemptRecord.Reader> = []

  constructor(limit: number) {
    this.limit = limit
  }

  get standing(): AttemptRecord.Standing {
    return AttemptRecord.standing(this.record, this.#next, this.limit)
  }

  get #next(): AttemptRecord.Reader {
    const created = BigInt(this.#consumer) * 1_000_000_000n + BigInt(this.#restarts) * 400_000n
    return { consumer: created.toString(36), deliveryCount: this.#count + 1 }
  }

  happens(event: Event): void {
    switch (event._tag) {
      case "Lost":
        return void this.#count++
      case "NewConsumer":
        this.#consumer++
        return void (this.#count = 0)
      case "Moved":
        return void (this.#out.length === 0 && this.#move())
      case "Restart":
        return void this.#restarts++
      case "Deliver":
        return void (this.#out.length === 0 && this.#deliver())
    }
    const reader = this.#out[event.which % Math.max(1, this.#out.length)]
    if (reader === undefined) return
    if (event._tag === "Expire") {
      this.expired++
      return this.#deliver()
    }
    if (event._tag === "Renew") {
      this.#out[this.#out.indexOf(reader)] = { ...reader, renewal: this.#next }
      return void this.#count++
    }
    this.#out.splice(this.#out.indexOf(reader), 1)
    if (event._tag === "Crash" || event._tag === "CrashBeforeBegin") this.crashes++
    if (event._tag === "CrashBeforeBegin") return
    if (event._tag === "HandBack") return this.#write(AttemptRecord.handBack(0), reader)
    const { poison, suspect } = AttemptRecord.standing(this.record, reader, this.limit)
    if (poison) return void (this.dead = true)
    if (suspect !== undefined) this.#write(AttemptRecord.begin(suspect), reader)
    if (event._tag === "Crash") return
    this.fails++
    this.#write(AttemptRecord.fail(500, 0), reader)
  }

  #deliver(): void {
    this.#latest = this.#next
    this.#out.push(this.#latest)
    this.#count++
  }

  /** To another consumer, of the same age for all that can be told. */
  #move(): void {
    const moved = MovedCall.encode({ acceptedMillis: 0, record: this.record })
    this.record = Option.getOrUndefined(MovedCall.decode(moved))?.record
    this.#count = 0
  }

  #write(change: AttemptRecord.Change, reader: AttemptRecord.Reader): void {
    const record = { ...change(this.record, reader), write: "" }
    this.record = Option.getOrUndefined(AttemptRecord.decode(AttemptRecord.encode(record)))
    if (reader === this.#latest && !AttemptRecord.belongsTo(record, reader)) this.disowned++
  }
}

const run = (limit: number, events: ReadonlyArray<Event>): Model => {
  const model = new Model(limit)
  for (const event of events) if (!model.dead) model.happens(event)
  return model
}

const limits = fc.integer({ min: 1, max: 6 })
const anything = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: of("Deliver") },
    of("Lost", "NewConsumer", "Moved", "Restart"),
    toOne("Crash", "CrashBeforeBegin", "Fail", "HandBack", "Expire", "Renew")
  ),
  { maxLength: 60 }
)
/** One delivery after the other, with all that may go wrong but a worker that is only thought dead. */
const inTurn = fc
  .array(fc.oneof(of("Lost", "Moved"), toOne("Crash", "CrashBeforeBegin", "Fail", "HandBack")), {
    maxLength: 40
  })
  .map((events) =>
    events.flatMap((event): ReadonlyArray<Event> =>
      event._tag === "Moved" ? [event] : [{ _tag: "Deliver" }, event]
    )
  )

describe("the ledger, whatever happens to deliveries,", () => {
  it("counts attempts exactly", () =>
    fc.assert(
      fc.property(limits, anything, (limit, events) => {
        const model = run(limit, events)
        expect(model.standing.attempts).toBe(model.fails)
      })
    ))

  it("leaves the call to the delivery that is the latest one", () =>
    fc.assert(
      fc.property(limits, inTurn, (limit, events) => {
        expect(run(limit, events).disowned).toBe(0)
      })
    ))

  it("takes no more deliveries for unfinished than there were deaths and workers thought dead, and one", () =>
    fc.assert(
      fc.property(limits, anything, (limit, events) => {
        const { standing, crashes, expired } = run(limit, events)
        expect(standing.unfinished).toBeLessThanOrEqual(crashes + expired + 1)
      })
    ))

  it("gives no call up below the limit, nor one that was never alone with a dying worker", () =>
    fc.assert(
      fc.property(limits, anything, (limit, events) => {
        const { standing, dead, crashes, expired } = run(limit, events)
        if (!dead && !standing.poison) return
        expect(standing.unfinished).toBeGreaterThanOrEqual(limit)
        expect(crashes + expired).toBeGreaterThanOrEqual(limit - 1)
        expect(crashes + expired).toBeGreaterThan(0)
      })
    ))

  it("takes no delivery for unfinished for a restart of the server, or because a call came again while in hand", () =>
    fc.assert(
      fc.property(
        limits,
        fc.array(
          fc.tuple(
            of("Deliver").map((event) => [event]),
            fc.array(fc.oneof(of("Restart", "NewConsumer"), toOne("Renew")), { maxLength: 3 }),
            toOne("Renew").map((event) => [event]),
            toOne("Fail", "HandBack").map((event) => [event])
          ),
          { maxLength: 30 }
        ),
        (limit, rounds) => {
          expect(run(limit, rounds.flat(2)).standing.unfinished).toBe(0)
        }
      )
    ))

  it("gives no call up for lost deliveries, hand-backs and failures", () =>
    fc.assert(
      fc.property(
        limits,
        fc.array(fc.oneof(of("Deliver", "Lost", "NewConsumer", "Moved"), toOne("Fail", "HandBack")), {
          maxLength: 100
        }),
        (limit, events) => {
          const { standing, dead } = run(limit, events)
          expect([standing.poison, dead]).toEqual([false, false])
          expect(standing.unfinished).toBeLessThanOrEqual(1)
        }
      )
    ))

  it("gives a call up after it has taken down as many workers as allowed", () =>
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), inTurn, (limit, before) => {
        const model = run(limit, before)
        for (let kills = 0; kills < limit; kills++) {
          if (model.dead) return
          model.happens({ _tag: "Deliver" })
          model.happens({ _tag: "Crash", which: 0 })
        }
        expect(model.standing.poison || model.dead).toBe(true)
        expect(model.standing.attempts).toBe(model.fails)
      })
    ))
})

describe("a call that kills its worker every time", () => {
  it.each([2, 3, 5])("has killed %d when it may kill that many", (limit) => {
    const model = new Model(limit)
    while (!model.standing.poison) {
      model.happens({ _tag: "Deliver" })
      model.happens({ _tag: "Crash", which: 0 })
    }
    expect(model.crashes).toBe(limit)
  })
})

const delivery = (deliveryCount: number) => ({ consumer: "c", deliveryCount })

describe("a record", () => {
  const record: fc.Arbitrary<AttemptRecord.AttemptRecord> = fc.record(
    {
      attempts: fc.nat(),
      unfinished: fc.nat(),
      notBefore: fc.nat(),
      lastStatus: fc.nat(599),
      begun: fc.constantFrom("together" as const, "alone" as const),
      consumer: fc.string(),
      deliveryCount: fc.nat(),
      write: fc.string()
    },
    { requiredKeys: ["attempts", "unfinished", "notBefore", "consumer", "deliveryCount", "write"] }
  )

  it("is read as it was written", () =>
    fc.assert(
      fc.property(record, (record) => {
        expect(AttemptRecord.decode(AttemptRecord.encode(record))).toEqual(Option.some(record))
      })
    ))

  it("is none when somebody has changed it to something else", () =>
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(AttemptRecord.decode(text)).toEqual(Option.none())
      })
    ))

  it("is of the delivery that a call in hand has come again with, also when somebody else had it in between", () => {
    const handedBack = { ...AttemptRecord.handBack(0)(undefined, delivery(2)), write: "" }
    const renewed = { ...delivery(1), renewal: delivery(3) }
    const failed = { ...AttemptRecord.fail(500, 0)(handedBack, renewed), write: "" }
    expect(AttemptRecord.belongsTo(failed, renewed)).toBe(true)
    expect(failed).toMatchObject({ attempts: 1, deliveryCount: 3, unfinished: handedBack.unfinished })
    expect(AttemptRecord.standing(failed, delivery(4), 3).unfinished).toBe(handedBack.unfinished)
  })

  it("keeps the longer of two delays when the call is handed back", () => {
    const reader = { consumer: "c", deliveryCount: 1 }
    const failed = { ...AttemptRecord.fail(503, 9_000)(undefined, reader), write: "" }
    expect(AttemptRecord.handBack(0)(failed, reader)).toMatchObject({ notBefore: 9_000, lastStatus: 503 })
    expect(AttemptRecord.handBack(9_500)(failed, reader)).toMatchObject({ notBefore: 9_500, attempts: 1 })
  })

  it("still is of the later delivery when an earlier one that was thought dead has failed", () => {
    const [earlier, later] = [1, 2].map((deliveryCount) => ({ consumer: "c", deliveryCount }))
    if (earlier === undefined || later === undefined) throw new Error("two deliveries")
    const begun = { ...AttemptRecord.begin("alone")(undefined, later), write: "" }
    const failed = { ...AttemptRecord.fail(500, 0)(begun, earlier), write: "" }
    expect(failed).toMatchObject({ attempts: 1, begun: "alone", deliveryCount: 2, unfinished: 1 })
    expect(AttemptRecord.belongsTo(failed, earlier)).toBe(false)
    expect(AttemptRecord.belongsTo(failed, later)).toBe(true)
  })
})
