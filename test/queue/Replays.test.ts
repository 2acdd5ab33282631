import { expect, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { describe } from "vitest"
import * as CallbackMessage from "../../src/domain/CallbackMessage.ts"
import * as LetterBox from "../support/LetterBox.ts"
import { servers, startNats } from "../support/NatsServers.ts"

type Box = Effect.Success<ReturnType<typeof LetterBox.open>>

const open = Effect.fnUntraced(function* (bin: string) {
  const { url } = yield* startNats({ bin })
  return { url, box: yield* LetterBox.open(url) }
})

const agesAgo = "1"

describe.each(servers)("on $name", ({ bin }) => {
  it.live("a replay is the same call in the queue, with a link to its letter, which is gone", () =>
    Effect.gen(function* () {
      const { box } = yield* open(bin)
      yield* box.store({ sequence: 7 })
      const letter = yield* LetterBox.first(box)
      expect(yield* box.replays.replay(letter, false)).toEqual({ _tag: "Published" })

      const original = JSON.parse(LetterBox.callMessage("echo", "call-7"))
      expect(yield* box.queued).toEqual([
        {
          subject: "faas-request.echo.openfaas-fn",
          call: {
            ...original,
            Header: {
              ...original.Header,
              "X-Start-Time": [expect.stringMatching(/^\d{19}$/)],
              "X-Sluice-Replay-Of": [letter.link]
            }
          }
        }
      ])
      expect(yield* box.stored.all).toEqual([])
      expect(yield* LetterBox.claims(box)).toBe(0)
    })
  )

  it.live("pressing again, and two operators at once, make one call", () =>
    Effect.gen(function* () {
      const { url, box } = yield* open(bin)
      const other = yield* LetterBox.open(url)
      yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], (sequence) => box.store({ sequence }))
      const letters = yield* box.stored.all
      const replayAll = ({ replays }: Box) =>
        Effect.forEach(letters, (letter) => replays.replay(letter, false), { concurrency: 4 })
      const both = yield* Effect.all([replayAll(box), replayAll(other)], { concurrency: 2 })
      expect(new Set(both.flat().map(({ _tag }) => _tag))).not.toContain("Unknown")
      yield* replayAll(box)
      expect((yield* replayAll(box)).map(({ _tag }) => _tag)).toEqual(letters.map(() => "Gone"))
      expect(yield* box.queued).toHaveLength(letters.length)
      expect(yield* box.stored.all).toEqual([])
      expect(yield* LetterBox.claims(box)).toBe(0)
    })
  )

  it.live("a run that died before the publish is finished by the next", () =>
    Effect.gen(function* () {
      const { box } = yield* open(bin)
      yield* box.store({ sequence: 1 })
      const letter = yield* LetterBox.first(box)
      yield* LetterBox.claimBefore(box, letter.link)
      expect(yield* box.replays.replay(letter, false)).toEqual({ _tag: "Published" })
      expect(yield* box.queued).toHaveLength(1)
      expect(yield* LetterBox.claims(box)).toBe(0)
    })
  )

  it.live(
    "a run that died after the publish is finished by the next, also when the call is done already",
    () =>
      Effect.gen(function* () {
        const { box } = yield* open(bin)
        yield* box.store({ sequence: 1 })
        const letter = yield* LetterBox.first(box)
        yield* LetterBox.claimBefore(box, letter.link)
        yield* Effect.promise(async () => {
          const msgID = `replay-${letter.link}`
          const { seq } = await box.jetstream.publish(letter.origin.subject, "the call", { msgID })
          await box.manager.streams.deleteMessage("OF_faas-request", seq)
        })
        expect(yield* box.replays.replay(letter, false)).toEqual({ _tag: "Published" })
        expect(yield* box.queued).toEqual([])
        expect(yield* box.stored.all).toEqual([])
      })
  )

  it.live(
    "a run that died longer ago than the queue remembers ids is told, and only --again replays it",
    () =>
      Effect.gen(function* () {
        const { box } = yield* open(bin)
        yield* box.store({ sequence: 1 })
        const letter = yield* LetterBox.first(box)
        yield* LetterBox.claimBefore(box, letter.link, agesAgo)
        const unknown = { _tag: "Unknown", sinceMillis: 1 }
        expect(yield* box.replays.replay(letter, false)).toEqual(unknown)
        // Having asked makes it no younger.
        expect(yield* box.replays.replay(letter, false)).toEqual(unknown)
        expect(yield* box.queued).toEqual([])
        expect(yield* box.replays.replay(letter, true)).toEqual({ _tag: "Published" })
        expect(yield* box.queued).toHaveLength(1)
      })
  )

  it.live("a message that was too large for its letter is replayed and removed like others", () =>
    Effect.gen(function* () {
      const { url } = yield* startNats({ bin, config: "max_payload: 64KB" })
      const box = yield* LetterBox.open(url)
      // No room for the headers of a dead letter, but for the link of a replay.
      const others = LetterBox.callMessage("echo", "large", "").length
      const message = LetterBox.callMessage("echo", "large", "x".repeat(((65_300 - others) / 4) * 3))
      yield* box.store({ sequence: 1, message })
      const letter = yield* LetterBox.first(box)
      expect(letter.bytes).toBe(message.length)
      const contents = Option.getOrThrow(yield* box.stored.open(letter))
      expect(Buffer.from(contents.message ?? []).toString()).toBe(message)
      expect(yield* box.replays.replay(letter, false)).toEqual({ _tag: "Published" })
      expect((yield* box.queued)[0]?.call["Body"]).toBe(JSON.parse(message).Body)
      expect(Option.isNone(yield* box.stored.open(letter))).toBe(true)
      const objects = yield* Effect.promise(() =>
        box.manager.streams.info("OBJ_OF_faas-request_dead_messages", { subjects_filter: ">" })
      )
      expect(Object.keys(objects.state.subjects ?? {}).filter((subject) => subject.includes(".C."))).toEqual(
        []
      )
    })
  )

  it.live("a letter that the queue does not take stays, and can be replayed later", () =>
    Effect.gen(function* () {
      const { box } = yield* open(bin)
      yield* box.store({ sequence: 1 })
      const letter = yield* LetterBox.first(box)
      const limit = (max_bytes: number) =>
        Effect.promise(() => box.manager.streams.update("OF_faas-request", { max_bytes }))
      yield* limit(1)
      expect(yield* box.replays.replay(letter, false)).toMatchObject({
        _tag: "Refused",
        detail: expect.stringMatching(/the queue did not take it: maximum bytes/)
      })
      yield* limit(-1)
      expect(yield* box.stored.all).toHaveLength(1)
      expect(yield* box.replays.replay(letter, false)).toEqual({ _tag: "Published" })
    })
  )
})

const result = CallbackMessage.encode({
  url: "http://receiver:4000/done",
  callId: "call-1",
  functionName: "echo.openfaas-fn",
  status: 200,
  acceptedMillis: 1,
  finishedMillis: 2,
  stream: "OF_faas-request",
  streamCreated: "2026-11-20T00:00:00Z",
  sequence: 1,
  headers: { "X-Call-Id": ["call-1"] },
  body: Buffer.from("done")
})

it.live("a result that its receiver did not take goes back among the results, once there is a place", () =>
  Effect.gen(function* () {
    const { box } = yield* open(servers[0]?.bin ?? "")
    yield* box.store({ sequence: 1, kind: "callback", message: result })
    const letter = yield* LetterBox.first(box)
    expect(yield* box.replays.replay(letter, false)).toEqual({
      _tag: "Refused",
      detail: "there is no stream of callbacks to put it into: start a worker, which makes it"
    })
    expect(yield* box.stored.all).toHaveLength(1)
    const name = "OF_faas-request_callbacks"
    yield* Effect.promise(() =>
      box.manager.streams.add({ name, subjects: ["faas-request_callbacks.>"], retention: "workqueue" })
    )
    expect(yield* box.replays.replay(letter, false)).toEqual({ _tag: "Published" })
    const stored = yield* Effect.promise(() => box.manager.streams.getMessage(name, { seq: 1 }))
    expect(stored?.subject).toBe("faas-request_callbacks.http-4000-receiver")
    expect(Buffer.from(stored?.data ?? []).equals(result)).toBe(true)
    expect(yield* box.queued).toEqual([])
    expect(yield* box.stored.all).toEqual([])
  })
)

it.live("a call that is too large with the link to its letter is refused, and its letter stays", () =>
  Effect.gen(function* () {
    const { url } = yield* startNats({ config: "max_payload: 64KB" })
    const box = yield* LetterBox.open(url)
    const others = LetterBox.callMessage("echo", "large", "").length
    const message = LetterBox.callMessage("echo", "large", "x".repeat(Math.floor((65_500 - others) / 4) * 3))
    yield* box.store({ sequence: 1, message })
    expect(yield* box.replays.replay(yield* LetterBox.first(box), false)).toMatchObject({
      _tag: "Refused",
      detail: expect.stringMatching(/the queue did not take it: .*max_payload/)
    })
    expect(yield* box.stored.all).toHaveLength(1)
    expect(yield* LetterBox.claims(box)).toBe(0)
  })
)

it.live.each([
  [
    "what nobody can run",
    { message: "garbage", reason: "undecodable" },
    /nobody could run it.*not a JSON object/
  ],
  [
    "a call whose callback URL nobody can call",
    { reason: "callback-undeliverable" },
    /callback goes nowhere; a replay would run the function again/
  ]
] as const)("%s is not replayed: its letter stays", ([, died, why]) =>
  Effect.gen(function* () {
    const { box } = yield* open(servers[0]?.bin ?? "")
    yield* box.store({ sequence: 1, ...died })
    const letter = yield* LetterBox.first(box)
    expect(yield* box.replays.replay(letter, false)).toEqual({
      _tag: "Refused",
      detail: expect.stringMatching(why)
    })
    expect(yield* box.queued).toEqual([])
    expect(yield* box.stored.all).toHaveLength(1)
    expect(yield* LetterBox.claims(box)).toBe(0)
  })
)
