import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Nodes from "../../chaos/world/Nodes.ts"
import { servers } from "../support/NatsServers.ts"
import { spawnProgram } from "../support/Sluice.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

describe.each(servers)("on $name", ({ bin }) => {
  it.live("a program that starts while the cluster lacks a server waits for it", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const { all } = yield* Nodes.start({ bin, directory, syncAlways: false, topology: "cluster" })
      const lacking = all.at(-1)?.server
      if (lacking === undefined) throw new Error("there is no cluster")
      yield* lacking.kill
      const worker = yield* spawnProgram(["worker"], {
        NATS_URL: all.map(({ server }) => server.url).join(","),
        nats_stream_replicas: "3",
        log_encoding: "json"
      })
      const { fields } = yield* worker.log.line("cannot be looked up or made yet")
      expect(fields["stream"]).toBe("OF_faas-request")
      yield* lacking.restart
      yield* worker.log.line("stream created")
      expect(yield* worker.end("SIGTERM")).toBe(0)
    })
  )
})
