import { Data, Effect, Result } from "effect"
import * as FunctionName from "../domain/FunctionName.ts"
import * as BaseUrl from "./BaseUrl.ts"
import type { Find, Lookup } from "./FunctionSpec.ts"

/** `function_url` is no usable template; the message says why. */
export class FunctionUrlError extends Data.TaggedError("FunctionUrlError")<{ readonly message: string }> {}

/** Whoever publishes chooses the names. */
const MOST_REMEMBERED = 1_000

/** Every function is where the template says, as with Kubernetes services: nothing is unknown here. */
export const make = Effect.fnUntraced(function* (template: string): Effect.fn.Return<Find, FunctionUrlError> {
  const refuse = (why: string) =>
    new FunctionUrlError({
      message: `function_url is ${BaseUrl.quoted(template)}: ${why}, such as http://{name}.{namespace}:8080`
    })

  const used = [...template.matchAll(/\{([^}]*)\}/g)].map(([, placeholder = ""]) => placeholder)
  const unknown = used.find((placeholder) => placeholder !== "name" && placeholder !== "namespace")
  if (unknown !== undefined) {
    return yield* refuse(`{${unknown}} is unknown; allowed are {name} and {namespace}`)
  }
  // Without a name every function would be called at one place.
  if (!used.includes("name")) return yield* refuse("{name} is missing; give a URL that holds it")

  const url = (name: string, namespace: string) =>
    BaseUrl.parse(template.replaceAll("{name}", name).replaceAll("{namespace}", namespace))
  const example = url("name", "namespace")
  if (Result.isFailure(example)) return yield* refuse(example.failure)

  const lookup = (fn: FunctionName.FunctionName): Lookup =>
    Result.match(url(fn.name, fn.namespace), {
      onFailure: () => ({ _tag: "Unknown" }),
      onSuccess: (url) => ({
        _tag: "Found",
        spec: { name: fn, url, annotations: {}, labels: {}, environment: {} }
      })
    })

  const remembered = new Map<string, Effect.Effect<Lookup>>()
  return (fn) => {
    const key = FunctionName.key(fn)
    const known = remembered.get(key)
    if (known !== undefined) return known
    if (remembered.size >= MOST_REMEMBERED) remembered.clear()
    const found = Effect.succeed(lookup(fn))
    remembered.set(key, found)
    return found
  }
})
