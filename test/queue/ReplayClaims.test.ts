import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import * as LetterBox from "../support/LetterBox.ts"
import * as LimitedUser from "../support/LimitedUser.ts"
import { startNats } from "../support/NatsServers.ts"

/** Who comes next for as long as several go on, and after how many steps each one dies, if it does. */
const fates = fc.record({
  order: fc.array(fc.nat(2), { maxLength: 30 }),
  deaths: fc.array(fc.option(fc.nat(12)), { minLength: 3, maxLength: 3 })
})

it.live("of runs at the same time, in any order, wherever they die: one call, no letter, no claim", () =>
  Effect.gen(function* () {
    const box = yield* LetterBox.open((yield* startNats()).url)
    let sequence = 0
    const replayedBySome = Effect.fnUntraced(function* (order: Array<number>, deaths: Array<number | null>) {
      yield* Effect.promise(() => box.manager.streams.purge("OF_faas-request"))
      yield* box.store({ sequence: ++sequence })
      const letter = yield* LetterBox.first(box)
      const runs = yield* Effect.forEach(deaths, (death) =>
        Effect.map(box.replayInTurns(letter), (run) => ({ ...run, left: death ?? Infinity }))
      )
      const goOn = (run: (typeof runs)[number] | undefined) =>
        run === undefined ? Effect.void : run.left-- > 0 ? run.turn : run.die
      for (const next of order) yield* goOn(runs[next])
      for (const run of runs) while (!run.hasEnded()) yield* goOn(run)
      yield* box.replays.replay(letter, false)

      const calls = yield* box.queued
      expect(calls.map(({ call }) => call["Header"])).toEqual([
        expect.objectContaining({ "X-Sluice-Replay-Of": [letter.link] })
      ])
      expect(yield* box.stored.all).toEqual([])
      expect(yield* LetterBox.claims(box)).toBe(0)
    }, Effect.scoped)
    yield* Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(fates, ({ deaths, order }) => Effect.runPromise(replayedBySome(order, deaths))),
        { numRuns: 50 }
      )
    )
  })
)

it.live("while one run replays a letter, another that has seen the same claim leaves it to that one", () =>
  Effect.gen(function* () {
    const box = yield* LetterBox.open((yield* startNats()).url)
    yield* box.store({ sequence: 1 })
    const letter = yield* LetterBox.first(box)
    yield* LetterBox.claimBefore(box, letter.link)
    const [one, other] = [yield* box.replayInTurns(letter), yield* box.replayInTurns(letter)]
    // Up to the claim that is there: the letters, the bucket, no first claim, whose it is.
    yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => Effect.andThen(one.turn, other.turn))
    expect(yield* one.finish).toEqual({ _tag: "Published" })
    expect(yield* other.finish).toEqual({ _tag: "Busy" })
    expect(yield* box.queued).toHaveLength(1)
  })
)

it.live("a publish that nobody has confirmed leaves letter and claim, and the next run finishes it", () =>
  Effect.gen(function* () {
    const box = yield* LetterBox.open((yield* startNats()).url)
    yield* box.store({ sequence: 1 })
    const letter = yield* LetterBox.first(box)
    const confirms = (does: boolean) =>
      Effect.promise(() => box.manager.streams.update("OF_faas-request", { no_ack: !does }))
    yield* confirms(false)
    expect(yield* Effect.flip(box.replays.replay(letter, false))).toMatchObject({
      reason: "unavailable",
      detail: expect.stringMatching(/^JetStream did not confirm: /)
    })
    expect(yield* box.stored.all).toHaveLength(1)
    expect(yield* LetterBox.claims(box)).toBe(1)
    yield* confirms(true)
    expect(yield* box.replays.replay(letter, false)).toEqual({ _tag: "Published" })
    expect(yield* box.queued).toHaveLength(1)
  })
)

it.live(
  "a letter whose call may not be published stays without a claim, and is replayed by whoever may",
  () =>
    Effect.gen(function* () {
      const { limitedUrl, url } = yield* LimitedUser.start({ publish: ["faas-request.>"] })
      const forbidden = yield* LetterBox.open(limitedUrl)
      yield* forbidden.store({ sequence: 1 })
      const letter = yield* LetterBox.first(forbidden)
      expect(yield* forbidden.replays.replay(letter, false)).toMatchObject({
        _tag: "Refused",
        detail: expect.stringMatching(
          /did not take it: Permissions Violation .* has to be allowed to publish/
        )
      })
      expect(yield* LetterBox.claims(forbidden)).toBe(0)
      const { replays } = yield* LetterBox.open(url)
      expect(yield* replays.replay(letter, false)).toEqual({ _tag: "Published" })
    })
)

it.live("what goes wrong at the server leaves the letter where it is, and says what it was", () =>
  Effect.gen(function* () {
    const box = yield* LetterBox.open((yield* startNats()).url)
    yield* box.store({ sequence: 1 })
    const letter = yield* LetterBox.first(box)
    yield* LetterBox.claimBefore(box, letter.link)
    const replayFails = Effect.flip(box.replays.replay(letter, false))
    const largestClaim = (max_msg_size: number) =>
      Effect.promise(() => box.manager.streams.update(LetterBox.claimsStream, { max_msg_size }))
    const streamConfig = { max_bytes: 1 }

    // An earlier run may have published it: what it left has to stay.
    yield* Effect.promise(() => box.manager.streams.update("OF_faas-request", streamConfig))
    expect(yield* box.replays.replay(letter, false)).toMatchObject({ _tag: "Refused" })
    expect(yield* LetterBox.claims(box)).toBe(1)
    yield* largestClaim(1)
    expect(yield* replayFails).toMatchObject({ reason: "too-large" })
    yield* largestClaim(-1)
    yield* Effect.promise(() => box.manager.streams.delete("OF_faas-request"))
    expect((yield* replayFails).reason).toBe("stream-gone")
    expect(yield* box.stored.all).toHaveLength(1)
  })
)
