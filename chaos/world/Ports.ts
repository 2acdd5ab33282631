import { createServer } from "node:net"
import { randomInt } from "node:crypto"
import { Effect } from "effect"

/**
 * A port that nobody listens on, of those that the system gives to nobody who asks for a free one: it is still free
 * when its server has been killed and comes back. This process gets each only once.
 */
export const stablePort: Effect.Effect<number> = Effect.suspend(() =>
  tryPort(randomInt(10_000, 32_000))
).pipe(Effect.eventually)

const given = new Set<number>()

const tryPort = (port: number) =>
  Effect.callback<number, Error>((resume) => {
    if (given.has(port)) return resume(Effect.fail(new Error("given to somebody else")))
    given.add(port)
    const server = createServer()
    server.once("error", (error) => resume(Effect.fail(error)))
    server.listen(port, "127.0.0.1", () => server.close(() => resume(Effect.succeed(port))))
  })
