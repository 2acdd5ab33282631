import { expect, it } from "vitest"
import { durability } from "../../src/domain/Durability.ts"

it.each([
  ["file", 1, undefined, /^files on 1 server, .* sync_interval .*unknown here/, /^a power cut can lose/],
  ["file", 1, "default", /^files on 1 server, .* sync_interval .*unknown here/, /^a power cut can lose/],
  ["file", 1, "async", /^files on 1 server, .* after the confirmation/, /^a crash of nats-server can lose/],
  ["file", 3, undefined, /^files on 3 servers, .* sync_interval .*unknown here/, undefined],
  ["memory", 1, undefined, /^memory of 1 server$/, /^a restart of nats-server loses every call/],
  ["memory", 3, undefined, /^memory of 3 servers$/, /^a restart of most of them/]
])("%s on %i, persist_mode %s, is told as it is", (storage, replicas, persistMode, summary, risk) => {
  const told = durability({ storage, replicas, persistMode })
  expect(told.summary).toMatch(summary)
  if (risk === undefined) expect(told.risk).toBeUndefined()
  else expect(told.risk).toMatch(risk)
})
