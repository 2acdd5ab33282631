import { type AddressInfo, type Socket, connect, createServer } from "node:net"
import { Effect } from "effect"
import { type Frame, FrameReader } from "./Frames.ts"
import { type Meaning, Reader } from "./Meaning.ts"

/** What happens to a frame on its way. */
export type Ruling =
  | "pass"
  /** it is lost, the connection lives on */
  | "drop"
  /** it arrives twice */
  | "repeat"
  /** half of it arrives, then the connection breaks */
  | "cut"
  /** nothing arrives any more, in either direction: whoever sends is about to be killed */
  | "freeze"
  /** it arrives, and nothing after it */
  | "last"
  /** it arrives so many milliseconds late, later ones before it */
  | { readonly holdMillis: number }

/** Looks at a frame and what it means; undefined leaves it to the next one who looks. */
type Interceptor = (meaning: Meaning, frame: Frame) => Ruling | undefined

/**
 * All connections of one program to NATS. Frame by frame they pass through here, where faults can intercept them:
 * the program is wholly the product's own, and the fault happens at the line that it is about.
 */
export interface Wire {
  /** For the program, instead of the servers' own addresses. */
  readonly url: string
  /** Everything that passes is shown to it until the returned function is called. */
  readonly intercept: (interceptor: Interceptor) => () => void
  /** Hears of everything, and changes nothing. */
  readonly listen: (heard: (meaning: Meaning) => void) => void
}

export const start = Effect.fnUntraced(function* (ports: ReadonlyArray<number>) {
  const interceptors = new Set<Interceptor>()
  const listeners = new Set<(meaning: Meaning) => void>()
  const judge: Interceptor = (meaning, frame) => {
    for (const listener of listeners) listener(meaning)
    for (const interceptor of interceptors) {
      const ruling = interceptor(meaning, frame)
      if (ruling !== undefined) return ruling
    }
    return "pass"
  }
  const urls = yield* Effect.forEach(ports, (port) =>
    Effect.acquireRelease(listen(port, judge), (server) => server.close)
  )
  return {
    url: urls.map(({ url }) => url).join(","),
    intercept: (interceptor) => {
      interceptors.add(interceptor)
      return () => void interceptors.delete(interceptor)
    },
    listen: (heard) => void listeners.add(heard)
  } satisfies Wire
})

const listen = (port: number, judge: Interceptor) =>
  Effect.callback<{ readonly url: string; readonly close: Effect.Effect<void> }>((resume) => {
    const sockets = new Set<Socket>()
    const server = createServer((program) => {
      const upstream = connect(port, "127.0.0.1")
      const reader = new Reader()
      const link = { frozen: false }
      relay(program, upstream, link, (frame) => judge(reader.fromProgram(frame), frame))
      relay(upstream, program, link, (frame) => judge(reader.fromServer(frame), frame))
      for (const socket of [program, upstream]) {
        sockets.add(socket)
        socket.on("close", () => sockets.delete(socket))
      }
    })
    const close = Effect.callback<void>((done) => {
      server.close(() => done(Effect.void))
      for (const socket of sockets) socket.destroy()
    })
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      resume(Effect.succeed({ url: `nats://127.0.0.1:${port}`, close }))
    })
  })

const relay = (
  from: Socket,
  to: Socket,
  link: { frozen: boolean },
  judge: (frame: Frame) => Ruling | undefined
): void => {
  const reader = new FrameReader()
  from.setNoDelay(true)
  from.on("error", () => to.destroy())
  from.on("close", () => to.destroy())
  from.on("data", (chunk) => {
    if (link.frozen) return
    const passed: Array<Buffer> = []
    const flush = () => {
      if (passed.length > 0) to.write(Buffer.concat(passed.splice(0)))
    }
    for (const frame of reader.push(chunk)) {
      const ruling = judge(frame) ?? "pass"
      if (typeof ruling === "object") {
        setTimeout(() => void (to.destroyed || link.frozen || to.write(frame.raw)), ruling.holdMillis)
      } else if (ruling === "pass") passed.push(frame.raw)
      else if (ruling === "repeat") passed.push(frame.raw, frame.raw)
      else if (ruling === "last" || ruling === "freeze") {
        if (ruling === "last") passed.push(frame.raw)
        link.frozen = true
        break
      } else if (ruling === "cut") {
        flush()
        // The half must leave before the connection breaks.
        to.write(frame.raw.subarray(0, Math.ceil(frame.raw.length / 2)), () => to.destroy())
        from.destroy()
        link.frozen = true
        return
      }
    }
    flush()
  })
}
