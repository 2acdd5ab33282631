import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as FunctionUrlTemplate from "../../src/functions/FunctionUrlTemplate.ts"

const urlOf = (template: string, name: string, namespace: string) =>
  Effect.gen(function* () {
    const find = yield* FunctionUrlTemplate.make(template)
    const found = yield* find({ name, namespace })
    return "spec" in found ? found.spec.url : found
  })

describe("a template of function URLs", () => {
  it.effect.each([
    { template: "http://{name}.{namespace}:8080", url: "http://hr.pay.staging:8080" },
    {
      template: "http://{name}.{namespace}.svc.cluster.local:8080/",
      url: "http://hr.pay.staging.svc.cluster.local:8080"
    },
    {
      template: "https://all.example.com/{namespace}/{name}/{name}",
      url: "https://all.example.com/staging/hr.pay/hr.pay"
    }
  ])("$template", ({ template, url }) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* urlOf(template, "hr.pay", "staging"), url)
    })
  )

  it.effect.each([
    { template: "http://{nome}.{namespace}", why: "{nome} is unknown" },
    { template: "http://{name}.{}", why: "{} is unknown" },
    { template: "http://{namespace}", why: "{name} is missing" },
    { template: "http://fixed:8080", why: "{name} is missing" },
    { template: "{name}.{namespace}:8080", why: "absolute http://" },
    { template: "ftp://{name}", why: "absolute http://" },
    { template: "http://{name}?x", why: "absolute http://" }
  ])("$template is refused at start: $why", ({ template, why }) =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(FunctionUrlTemplate.make(template))
      assert.include(message, `function_url is ${JSON.stringify(template)}: `)
      assert.include(message, why)
    })
  )
})
