import { inject } from "vitest"
import * as NatsServer from "../../src/natsserver/NatsServer.ts"

/** A version of `nats-server` the suite runs on. */
export interface ServerVersion {
  readonly name: string
  readonly bin: string
}

declare module "vitest" {
  interface ProvidedContext {
    readonly natsServers: ReadonlyArray<ServerVersion>
  }
}

/** The versions at hand, for `describe.each(servers)("on $name", ({ bin }) => ...)`; the machine's own comes first. */
export const servers = inject("natsServers")

/** A server of this test's own, on the machine's version unless `bin` is given; ends with the scope. */
export const startNats = (options: NatsServer.Options = {}) => NatsServer.start({ bin: ownBin(), ...options })

const ownBin = () => servers[0]?.bin
