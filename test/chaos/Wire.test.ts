import { type AddressInfo, type Socket, connect, createServer } from "node:net"
import { once } from "node:events"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { FrameReader } from "../../chaos/wire/Frames.ts"
import { type Meaning, Reader } from "../../chaos/wire/Meaning.ts"
import * as Wire from "../../chaos/wire/Wire.ts"

/** A server that takes what comes, and a program that is connected to it over a wire. */
const connected = Effect.gen(function* () {
  const server = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const server = createServer()
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      return server
    }),
    (server) => Effect.sync(() => server.close())
  )
  const wire = yield* Wire.start([(server.address() as AddressInfo).port])
  const accepted = once(server, "connection")
  const program = connect(Number(new URL(wire.url).port), "127.0.0.1")
  yield* Effect.addFinalizer(() => Effect.sync(() => program.destroy()))
  program.on("error", () => undefined)
  const [socket] = (yield* Effect.promise(() => accepted)) as [Socket]
  yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
  socket.on("error", () => undefined)
  let text = ""
  socket.on("data", (chunk) => (text += chunk.toString()))
  /** All that has arrived until this text did, or until the connection broke. */
  const arrived = (end?: string) =>
    Effect.promise(async () => {
      while (end === undefined ? !socket.closed : !text.includes(end)) {
        await Promise.race([once(socket, "data"), once(socket, "close")])
      }
      return text
    })
  return { wire, program, socket, arrived }
})

const call = (id: number) => `PUB faas-request.fn.ns _INBOX.${id} 14\r\nchaos-1-${id} body\r\n`
const isCall =
  (id: number) =>
  (_: Meaning, { reply }: { readonly reply: string }) =>
    reply === `_INBOX.${id}`

it.live("what nobody intercepts passes as it comes", () =>
  Effect.gen(function* () {
    const { arrived, program } = yield* connected
    program.write(call(1) + call(2) + "PING\r\n")
    expect(yield* arrived("PING\r\n")).toBe(call(1) + call(2) + "PING\r\n")
  })
)

it.live.each([
  ["drop", call(1) + call(3)],
  ["repeat", call(1) + call(2) + call(2) + call(3)]
] as const)("%s: the other frames arrive as before", ([ruling, expected]) =>
  Effect.gen(function* () {
    const { arrived, program, wire } = yield* connected
    wire.intercept((meaning, frame) => (isCall(2)(meaning, frame) ? ruling : undefined))
    program.write(call(1) + call(2) + call(3))
    expect(yield* arrived(call(3))).toBe(expected)
  })
)

it.live("cut: half of the frame arrives, and the connection breaks on both sides", () =>
  Effect.gen(function* () {
    const { arrived, program, wire } = yield* connected
    const broken = once(program, "close")
    wire.intercept((meaning, frame) => (isCall(2)(meaning, frame) ? "cut" : undefined))
    program.write(call(1) + call(2) + call(3))
    expect(yield* arrived()).toBe(call(1) + call(2).slice(0, Math.ceil(call(2).length / 2)))
    yield* Effect.promise(() => broken)
  })
)

it.live.each([
  ["freeze", call(1)],
  ["last", call(1) + call(2)]
] as const)("%s: nothing after it arrives, in neither direction", ([ruling, expected]) =>
  Effect.gen(function* () {
    const { arrived, program, socket, wire } = yield* connected
    let heard = ""
    program.on("data", (chunk) => (heard += chunk.toString()))
    wire.intercept((meaning, frame) => (isCall(2)(meaning, frame) ? ruling : undefined))
    program.write(call(1) + call(2) + call(3))
    yield* arrived(expected)
    socket.write("PONG\r\n")
    program.destroy()
    expect(yield* arrived()).toBe(expected)
    expect(heard).toBe("")
  })
)

it.live("a confirmation is known by where it was wanted", () =>
  Effect.gen(function* () {
    const { arrived, program, socket, wire } = yield* connected
    const meanings: Array<Meaning> = []
    wire.listen((meaning) => void (meaning._tag === "Other" || meanings.push(meaning)))
    program.write(call(1))
    yield* arrived(call(1))
    const heard = once(program, "data")
    socket.write("MSG _INBOX.1 7 2\r\n{}\r\n")
    yield* Effect.promise(() => heard)
    expect(meanings).toEqual([
      { _tag: "Sent", what: "call" },
      { _tag: "Confirmed", what: "call" }
    ])
  })
)

it.each([
  ["OF_faas-request", "call"],
  ["OF_faas-request_callbacks", "callback"]
] as const)("an acknowledgement in %s settles a %s", (stream, of) => {
  const [frame] = new FrameReader().push(
    Buffer.from(`PUB $JS.ACK.${stream}.consumer.2.7.3.1700000000000000000.0 4\r\n+ACK\r\n`)
  )
  expect(frame && new Reader().fromProgram(frame)).toEqual({ _tag: "Settled", of, how: "ack", sequence: 7 })
})
