import { expect, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { describe } from "vitest"
import * as LetterBox from "../support/LetterBox.ts"
import * as LimitedUser from "../support/LimitedUser.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { LogBook, logger, natsClient } from "../support/Sluice.ts"

describe.each(servers)("on $name", ({ bin }) => {
  it.live("a letter is stored once, also when the server has forgotten its message id", () =>
    Effect.gen(function* () {
      const { url } = yield* startNats({ bin })
      const box = yield* LetterBox.open(url)
      yield* box.store({ sequence: 1 })
      const [{ subject } = { subject: "" }] = yield* box.stored.all
      // With its stream the server forgets the ids; the letter comes back without one.
      yield* Effect.promise(() => box.manager.streams.delete("OF_faas-request_dead"))
      yield* box.store({ sequence: 2 })
      yield* Effect.promise(() => box.jetstream.publish(subject, "the letter"))
      yield* box.store({ sequence: 1 })
      expect((yield* box.stored.all).map((letter) => letter.subject === subject)).toEqual([false, true])
    })
  )

  it.live("a large message is stored in parts before its letter, and twice is harmless", () =>
    Effect.gen(function* () {
      const { url } = yield* startNats({ bin, config: "max_payload: 32KB" })
      const box = yield* LetterBox.open(url)
      const message = Buffer.alloc(32 * 1024, "0123456789")
      yield* box.store({ sequence: 1, message })
      yield* box.store({ sequence: 1, message })
      const letters = yield* box.stored.all
      expect(letters).toHaveLength(1)
      const [letter] = letters
      if (letter === undefined) return
      const contents = Option.getOrThrow(yield* box.stored.open(letter))
      expect(message.equals(contents.message ?? new Uint8Array(0))).toBe(true)
    })
  )

  it.live("a letter whose large message is gone says so", () =>
    Effect.gen(function* () {
      const { url } = yield* startNats({ bin, config: "max_payload: 32KB" })
      const box = yield* LetterBox.open(url)
      yield* box.store({ sequence: 1, message: Buffer.alloc(32 * 1024) })
      yield* Effect.promise(() => box.manager.streams.purge("OBJ_OF_faas-request_dead_messages"))
      const [letter] = yield* box.stored.all
      if (letter === undefined) throw new Error("there is no dead letter")
      expect(yield* box.stored.open(letter)).toMatchObject({ value: { message: undefined } })
      expect(yield* box.replays.replay(letter, false)).toMatchObject({ _tag: "Refused" })
    })
  )

  it.live("a letter is not taken for another one after its stream was made again", () =>
    Effect.gen(function* () {
      const { url } = yield* startNats({ bin })
      const box = yield* LetterBox.open(url)
      yield* box.store({ sequence: 1 })
      const [letter] = yield* box.stored.all
      if (letter === undefined) throw new Error("there is no dead letter")
      yield* Effect.promise(() => box.manager.streams.delete("OF_faas-request_dead"))
      yield* box.store({ sequence: 2 })
      expect(yield* box.replays.replay(letter, false)).toEqual({ _tag: "Gone" })
      expect(yield* box.stored.all).toHaveLength(1)
    })
  )
})

it.live("a stream that cannot be made, or kept as the settings say, is told by whoever needs it", () =>
  Effect.gen(function* () {
    const { limitedUrl, url } = yield* LimitedUser.start({ publish: ["$JS.API.STREAM.UPDATE.>"] })
    const { manager } = yield* natsClient(url)
    const stranger = { name: "theirs", subjects: ["faas-request_dead.echo.>"] }
    yield* Effect.promise(() => manager.streams.add(stranger))
    const box = yield* LetterBox.open(url)
    const other = { sequence: 1, fn: "other" }
    expect(yield* Effect.flip(box.store(other))).toMatchObject({
      reason: "refused",
      detail: expect.stringMatching(/^OF_faas-request_dead did not take a dead letter: .*subjects overlap/)
    })
    yield* Effect.promise(() => manager.streams.delete(stranger.name))
    yield* box.store(other)

    // Other limits than those in force; without them the letters are kept all the same.
    const log = new LogBook()
    const limits = { maxAgeMillis: 60_000, maxBytes: 1024 ** 2 }
    const limited = yield* Effect.provide(LetterBox.open(limitedUrl, limits), logger(log))
    expect(log.with("the limits of OF_faas-request_dead could not be brought up to date")).toHaveLength(1)
    yield* limited.store({ sequence: 2 })
    expect(yield* box.stored.all).toHaveLength(2)
  })
)

it.live("a stream of dead letters with subjects of its operator's own says which ones it lacks", () =>
  Effect.gen(function* () {
    const { url } = yield* startNats()
    const { manager } = yield* natsClient(url)
    yield* Effect.promise(() => manager.streams.add({ name: "OF_faas-request_dead", subjects: ["letters"] }))
    const box = yield* LetterBox.open(url)
    expect((yield* Effect.flip(box.store({ sequence: 1 }))).detail).toBe(
      "OF_faas-request_dead did not take a dead letter: it does not take the subjects faas-request_dead.>, add them to it"
    )
  })
)
