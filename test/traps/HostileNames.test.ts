import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { eventually } from "../support/Eventually.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import * as Scrape from "../support/Scrape.ts"
import { post, spawnProgram, startGateway } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

const hostile = [
  'a"} 1\nevil_total{x="',
  "a\r\nlevel=info msg=forged",
  '{"level":"error"}',
  "\u001b[31mred",
  "a\\",
  "a\0b",
  "ünï-日本-🙂",
  "../../etc/passwd",
  "a*",
  "x".repeat(300)
]
/** As names go these are harmless; for a program that keeps them in plain objects they would not be. */
const odd = ["__proto__", "constructor"]

/** Some may be part of a subject. */
const isToken = (name: string) => !/[\s.*>\0]/.test(name)

it.live("functions with hostile names come into no label, and each log line stays one", () =>
  Effect.gen(function* () {
    const nats = yield* startNats()
    const fn = yield* HttpFunction.start()
    const settings = { NATS_URL: nats.url, function_url: `${fn.url}/{name}`, debug: "true" }
    const gateway = yield* startGateway(settings)
    const worker = yield* spawnProgram(["worker"], settings)
    const listening = yield* worker.log.line("listening")
    const stranger = yield* Stranger.meet(nats.url)
    for (const name of hostile) {
      for (const path of ["async-function", "function"]) {
        const answer = yield* post(`${gateway.url}/${path}/${encodeURIComponent(name)}`)
        expect(answer.status, name).toBe(400)
      }
      const message = JSON.stringify({ Function: name, Method: "POST" })
      yield* Effect.promise(() => stranger.jetstream.publish("faas-request", message))
      yield* stranger.publish("echo", message)
      if (isToken(name)) {
        yield* Effect.promise(() => stranger.jetstream.publish(`faas-request.${name}.ns`, message))
      }
    }
    for (const name of [...odd, "echo"]) yield* stranger.publish(name, { Function: name, Method: "POST" })
    yield* fn.received(odd.length + 1)
    const settled = 2 * hostile.length + odd.length + 1
    yield* stranger.acked(settled)
    yield* eventually("subjects of no function are told", () =>
      expect(worker.log.with("belongs to no function").map(({ fields }) => fields["subject"])).toEqual(
        expect.arrayContaining(hostile.filter(isToken).map((name) => `faas-request.${name}.ns`))
      )
    )

    const known = new Set([...odd, "echo"].map((name) => `${name}.openfaas-fn`))
    for (const url of [
      `http://127.0.0.1:${String(listening.fields["metrics_port"])}`,
      gateway.operationsUrl
    ]) {
      const names = Scrape.parse(yield* Scrape.text(url)).flatMap(
        ({ labels }) => labels["function_name"] ?? []
      )
      expect(names.filter((name) => name !== "" && !known.has(name))).toEqual([])
    }
    yield* worker.end("SIGTERM")
    // What is not a whole line of JSON has no level.
    expect(worker.log.lines.filter(({ level }) => level === "")).toEqual([])
    expect(worker.log.with("dead letter").length).toBe(2 * hostile.length)
    expect(worker.log.lines.some(({ message }) => message.includes("forged"))).toBe(false)
  })
)
