import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import { post, startGateway, startWorker } from "../support/Sluice.ts"

it.live(
  "a call goes from the gateway through the queue to the function, and its result to the receiver",
  () =>
    Effect.gen(function* () {
      const nats = yield* startNats()
      const fn = yield* HttpFunction.start({
        answer: (request, response) => void response.end(`did ${request.body}`)
      })
      const receiver = yield* HttpFunction.start()
      const environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}` }
      const gateway = yield* startGateway(environment)
      yield* startWorker(environment)

      const accepted = yield* post(`${gateway.url}/async-function/figlet/sub?a=1`, {
        body: "work",
        headers: { "X-Callback-Url": `${receiver.url}/done`, "X-Call-Id": "call-1" }
      })
      expect(accepted.status).toBe(202)
      const [request] = yield* fn.received(1)
      expect(request).toMatchObject({ method: "POST", url: "/figlet/sub?a=1", body: Buffer.from("work") })
      const [callback] = yield* receiver.received(1)
      expect(callback).toMatchObject({ method: "POST", url: "/done", body: Buffer.from("did work") })
      expect(callback?.header("X-Call-Id")).toBe("call-1")
      expect(callback?.header("X-Function-Status")).toBe("200")
    })
)
