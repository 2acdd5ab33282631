import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { Cache, Data, Duration, Effect, Exit, Schema } from "effect"
import { Agent, request } from "undici"
import * as FunctionName from "../domain/FunctionName.ts"
import type { CountReplicas, Find, FunctionSpec, Lookup } from "./FunctionSpec.ts"

interface Options {
  /** Of the OpenFaaS gateway, without a trailing slash. */
  readonly gatewayUrl: string
  /** Its functions are asked for and called without naming the namespace. */
  readonly defaultNamespace: string
  /** The directory that may hold `basic-auth-user` and `basic-auth-password`. */
  readonly secretMountPath: string
}

const timeToLive: Readonly<Record<Lookup["_tag"], Duration.Duration>> = {
  Found: Duration.seconds(5),
  Unknown: Duration.seconds(2),
  Unavailable: Duration.seconds(1)
}
const answerTimeout = Duration.seconds(3)

// Callers choose the names that are asked for.
const rememberedFunctions = 10_000

/** The gateway gave no usable answer; the detail is for people. */
class GatewayUnavailable extends Data.TaggedError("GatewayUnavailable")<{ readonly detail: string }> {}

/**
 * Functions as an OpenFaaS gateway knows them, called through it. While it gives no answer its last one
 * counts, because a function rarely changes; without one its calls go to the gateway all the same.
 */
export const make = Effect.fnUntraced(function* (options: Options) {
  const agent = yield* Effect.acquireRelease(
    Effect.sync(() => new Agent()),
    (agent) => Effect.promise(() => agent.destroy())
  )
  const lastFound = new Map<string, Lookup>()

  /** Once until it changes: a gateway that wants credentials nobody has would fill the log. */
  let trouble: string | undefined
  const report = (detail: string) => {
    if (detail === trouble) return Effect.void
    trouble = detail
    return Effect.logWarning("functions cannot be looked up, their annotations are not known", {
      url: options.gatewayUrl,
      reason: detail
    })
  }

  const status = (fn: FunctionName.FunctionName) =>
    ask(agent, options, fn).pipe(
      Effect.timeoutOrElse({
        duration: answerTimeout,
        orElse: () => new GatewayUnavailable({ detail: `no answer within ${Duration.format(answerTimeout)}` })
      })
    )

  const lookup = Effect.fnUntraced(function* (key: string): Effect.fn.Return<Answer> {
    const fn = fromKey(key)
    const fresh = yield* Effect.flatMap(status(fn), (text) => read(options, fn, text)).pipe(
      Effect.tap(() => Effect.sync(() => void (trouble = undefined))),
      Effect.catchTag("GatewayUnavailable", ({ detail }) =>
        Effect.as(report(detail), { _tag: "Unavailable", spec: specOf(options, fn, {}) } satisfies Lookup)
      )
    )
    if (fresh._tag === "Unavailable") {
      const known = lastFound.get(key)
      return { lookup: known ?? fresh, fresh: fresh._tag }
    }
    lastFound.delete(key)
    if (fresh._tag === "Found") {
      if (lastFound.size >= rememberedFunctions) lastFound.clear()
      lastFound.set(key, fresh)
    }
    return { lookup: fresh, fresh: fresh._tag }
  })

  const cache = yield* Cache.makeWith(lookup, {
    capacity: rememberedFunctions,
    timeToLive: (exit) => (Exit.isSuccess(exit) ? timeToLive[exit.value.fresh] : Duration.zero)
  })
  const find: Find = (fn) => Effect.map(Cache.get(cache, FunctionName.key(fn)), ({ lookup }) => lookup)
  const replicas: CountReplicas = (fn) =>
    Effect.flatMap(status(fn), readReplicas).pipe(
      Effect.catchTag("GatewayUnavailable", ({ detail }) =>
        Effect.as(
          Effect.logDebug("replicas cannot be counted", { function: FunctionName.key(fn), reason: detail }),
          undefined
        )
      )
    )
  return { find, replicas }
})

/** What counts now, and what the gateway said to the last question: that decides when it is asked again. */
interface Answer {
  readonly lookup: Lookup
  readonly fresh: Lookup["_tag"]
}

/** The inverse of `FunctionName.key`. */
const fromKey = (key: string): FunctionName.FunctionName => {
  const dot = key.lastIndexOf(".")
  return { name: key.slice(0, dot), namespace: key.slice(dot + 1) }
}

/** The gateway's status of the function, as JSON; undefined when it knows none of that name. */
const ask = Effect.fnUntraced(function* (agent: Agent, options: Options, fn: FunctionName.FunctionName) {
  const authorization = yield* basicAuth(options.secretMountPath)
  const { gatewayUrl } = options
  const response = yield* Effect.tryPromise({
    try: async (signal) => {
      const query = new URLSearchParams({ namespace: fn.namespace })
      const { statusCode, body } = await request(`${gatewayUrl}/system/function/${fn.name}?${query}`, {
        dispatcher: agent,
        headers: authorization === undefined ? {} : { authorization },
        signal
      })
      return { statusCode, text: await body.text() }
    },
    catch: (cause) =>
      new GatewayUnavailable({ detail: cause instanceof Error ? cause.message : String(cause) })
  })
  switch (response.statusCode) {
    case 200:
      return response.text
    case 404:
      return undefined
    case 401:
    case 403: {
      const files = `basic-auth-user and basic-auth-password in ${options.secretMountPath}`
      const what =
        authorization === undefined ? `it wants credentials: mount ${files}` : `it refused ${files}`
      return yield* new GatewayUnavailable({ detail: `${what} (status ${response.statusCode})` })
    }
    default:
      return yield* new GatewayUnavailable({ detail: `it answered with status ${response.statusCode}` })
  }
})

/** The header's value, or undefined without the two files. Read each time, because secrets are rotated. */
const basicAuth = (directory: string) =>
  Effect.tryPromise(async () => {
    const [user, password] = await Promise.all(
      ["basic-auth-user", "basic-auth-password"].map((file) => readFile(join(directory, file), "utf8"))
    )
    return `Basic ${Buffer.from(`${user?.trim()}:${password?.trim()}`).toString("base64")}`
  }).pipe(Effect.orElseSucceed(() => undefined))

const Texts = Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.String)))

/** The part of OpenFaaS's FunctionStatus that we use. */
const FunctionStatus = Schema.Struct({ annotations: Texts, labels: Texts, envVars: Texts })

/** Apart from the rest, which must not suffer from a count that cannot be read. */
const ReplicaStatus = Schema.Struct({
  availableReplicas: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)))
})

const decode = <A>(schema: Schema.Codec<A>) => {
  const decodeText = Schema.decodeUnknownEffect(Schema.fromJsonString(schema))
  return (text: string) =>
    Effect.mapError(
      decodeText(text),
      () => new GatewayUnavailable({ detail: "its answer is no OpenFaaS function status" })
    )
}
const decodeStatus = decode(FunctionStatus)
const decodeReplicas = decode(ReplicaStatus)

const read = (options: Options, fn: FunctionName.FunctionName, text: string | undefined) =>
  text === undefined
    ? Effect.succeed<Lookup>({ _tag: "Unknown" })
    : Effect.map(decodeStatus(text), (status): Lookup => ({
        _tag: "Found",
        spec: specOf(options, fn, status)
      }))

/** Go leaves out a count of 0. */
const readReplicas = (text: string | undefined) =>
  text === undefined
    ? Effect.succeed(undefined)
    : Effect.map(decodeReplicas(text), ({ availableReplicas = 0 }) => availableReplicas)

const specOf = (
  { gatewayUrl, defaultNamespace }: Options,
  fn: FunctionName.FunctionName,
  status: typeof FunctionStatus.Type
): FunctionSpec => ({
  name: fn,
  url: `${gatewayUrl}/function/${fn.namespace === defaultNamespace ? fn.name : FunctionName.key(fn)}`,
  annotations: status.annotations ?? {},
  labels: status.labels ?? {},
  environment: status.envVars ?? {}
})
