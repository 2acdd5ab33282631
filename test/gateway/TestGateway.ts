import { Context, Effect, Layer } from "effect"
import { getGlobalDispatcher, type Dispatcher } from "undici"
import * as Call from "../../src/domain/Call.ts"
import * as FunctionName from "../../src/domain/FunctionName.ts"
import type { FunctionSpec, Lookup } from "../../src/functions/FunctionSpec.ts"
import { Functions } from "../../src/functions/Functions.ts"
import { Server } from "../../src/gateway/Server.ts"
import { Queues } from "../../src/queue/Queues.ts"
import type { PublishError } from "../../src/queue/QueueError.ts"

export interface Options {
  /** What the provider says; every function is found, at an address where nobody listens, when not given. */
  readonly find?: (fn: FunctionName.FunctionName) => Lookup
  /** What becomes of a publish; it succeeds at once when not given. */
  readonly publish?: Effect.Effect<void, PublishError>
  readonly maxMessageBytes?: number
  readonly upstreamTimeoutMillis?: number
  readonly shutdownGraceMillis?: number
  readonly maxAcceptingBytes?: number
  readonly callbackAllowHosts?: ReadonlyArray<string>
}

/** A call as the queue got it. */
interface Stored {
  readonly queue: string
  readonly fn: FunctionName.FunctionName
  readonly message: Uint8Array
}

export const found = (fn: FunctionName.FunctionName, spec: Partial<FunctionSpec> = {}): Lookup => ({
  _tag: "Found",
  spec: { ...bare(fn), ...spec }
})

/** A function of which nothing is known but an address, where nobody listens. */
export const bare = (fn: FunctionName.FunctionName): FunctionSpec => ({
  name: fn,
  url: "http://127.0.0.1:9",
  annotations: {},
  labels: {},
  environment: {}
})

/** The gateway on a free port, before a queue and a provider that exist only for the test. */
export const start = Effect.fnUntraced(function* (options: Options = {}) {
  const stored: Array<Stored> = []
  const queues = Layer.succeed(Queues, {
    open: (queue) =>
      Effect.succeed({
        publish: (fn, message) =>
          Effect.andThen(
            options.publish ?? Effect.void,
            Effect.sync(() => void stored.push({ queue, fn, message }))
          ),
        subjectOf: ({ name, namespace }) => `${queue}.${name}.${namespace}`,
        maxMessageBytes: () => options.maxMessageBytes ?? 1_000_000,
        addBelow: () => Effect.succeed(true)
      })
  })
  const functions = Layer.succeed(Functions, {
    find: (fn) => Effect.sync(() => (options.find ?? found)(fn))
  })
  const server = Server.layer({
    port: 0,
    host: "127.0.0.1",
    defaultNamespace: "openfaas-fn",
    queueName: "faas-request",
    callbackAllowHosts: options.callbackAllowHosts,
    upstreamTimeoutMillis: options.upstreamTimeoutMillis ?? 60_000,
    shutdownGraceMillis: options.shutdownGraceMillis ?? 0,
    maxAcceptingBytes: options.maxAcceptingBytes ?? 64 * 1024 ** 2
  })
  const context = yield* Layer.build(Layer.provide(server, [queues, functions]))
  const { port } = Context.get(context, Server)
  return {
    port,
    stored,
    /** The calls stored so far. */
    calls: Effect.suspend(() =>
      Effect.forEach(stored, ({ message }) => Effect.fromResult(Call.decode(message)))
    ),
    send: (path: string, options: Partial<Dispatcher.RequestOptions> = {}) =>
      send(`http://127.0.0.1:${port}`, path, options)
  }
})

interface Answer {
  readonly status: number
  readonly headers: Dispatcher.ResponseData["headers"]
  readonly text: string
}

/** One HTTP exchange, its path as it is; POST without a body unless the options say otherwise. */
export const send = (origin: string, path: string, options: Partial<Dispatcher.RequestOptions> = {}) =>
  Effect.promise(async (signal): Promise<Answer> => {
    const all = { origin, path, method: "POST", signal, ...options } as const
    const { statusCode, headers, body } = await getGlobalDispatcher().request(all)
    return { status: statusCode, headers, text: await body.text() }
  })

/** The problem of an answer, checked to be one. */
export const problemOf = (answer: Answer) => {
  if (answer.headers["content-type"] !== "application/problem+json") {
    throw new Error(`no problem but ${answer.status} ${answer.text}`)
  }
  const problem = JSON.parse(answer.text)
  if (problem.status !== answer.status) throw new Error(`the problem's status differs: ${answer.text}`)
  return problem as { type: string; title: string; status: number; detail: string; callId?: string }
}
