import { join } from "node:path"
import { Effect } from "effect"
import * as NatsServer from "../../src/natsserver/NatsServer.ts"
import { stablePort } from "./Ports.ts"
import * as RouteProxy from "./RouteProxy.ts"

/** One nats-server, or the three of a cluster. */
export interface Nodes {
  readonly all: ReadonlyArray<Node>
  /** Cuts one node off from the others, or puts it back. */
  readonly partition: (node: Node) => void
  readonly rejoin: () => void
}

interface Node {
  readonly name: string
  readonly server: NatsServer.NatsServer["Service"]
}

interface Options {
  readonly bin: string
  /** where stores are kept */
  readonly directory: string
  readonly syncAlways: boolean
  readonly topology: "single" | "cluster"
}

const CLUSTER_SIZE = 3

export const start = (
  options: Options
): Effect.Effect<Nodes, unknown, never | import("effect").Scope.Scope> =>
  options.topology === "single" ? startSingle(options) : startCluster(options)

const startSingle = Effect.fnUntraced(function* (options: Options) {
  const server = yield* startServer(options, "n1", yield* stablePort, "")
  return { all: [{ name: "n1", server }], partition: () => undefined, rejoin: () => undefined }
})

const startCluster = Effect.fnUntraced(function* (options: Options) {
  const indices = Array.from({ length: CLUSTER_SIZE }, (_, index) => index)
  const clusterPorts = yield* Effect.forEach(indices, () => stablePort)
  const routes = yield* Effect.forEach(
    indices.flatMap((from) => indices.filter((to) => to !== from).map((to) => ({ from, to }))),
    ({ from, to }) =>
      Effect.gen(function* () {
        const port = yield* stablePort
        return { from, to, port, proxy: yield* RouteProxy.start(port, clusterPorts[to] ?? 0) }
      })
  )
  // What a node tells others about its address leads nowhere: they have their own ways to it.
  const nowhere = yield* stablePort
  const all = yield* Effect.forEach(
    indices,
    (index) =>
      Effect.gen(function* () {
        const name = `n${index + 1}`
        const own = routes.filter(({ from }) => from === index)
        const config = `
server_name: ${name}
cluster {
  name: chaos
  listen: "127.0.0.1:${clusterPorts[index]}"
  advertise: "127.0.0.1:${nowhere}"
  no_advertise: true
  routes: [${own.map(({ port }) => `"nats-route://127.0.0.1:${port}"`).join(", ")}]
}`
        return { name, server: yield* startServer(options, name, yield* stablePort, config) }
      }),
    { concurrency: "unbounded" }
  )
  return {
    all,
    partition: (node: Node) => {
      const index = all.indexOf(node)
      for (const { from, to, proxy } of routes) if (from === index || to === index) proxy.close()
    },
    rejoin: () => routes.forEach(({ proxy }) => proxy.open())
  }
})

const startServer = ({ bin, directory, syncAlways }: Options, name: string, port: number, config: string) => {
  const storeDir = join(directory, name)
  const sync = `jetstream { store_dir: ${JSON.stringify(storeDir)}, sync_interval: always }`
  return NatsServer.start({ bin, port, storeDir, config: syncAlways ? `${config}\n${sync}` : config })
}
