import { expect, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { describe } from "vitest"
import * as LetterBox from "../support/LetterBox.ts"
import { servers, startNats } from "../support/NatsServers.ts"

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
