import { Context, Effect, Layer, Result } from "effect"
import * as BaseUrl from "./BaseUrl.ts"
import type { CountReplicas, Find } from "./FunctionSpec.ts"
import * as FunctionsFile from "./FunctionsFile.ts"
import * as FunctionUrlTemplate from "./FunctionUrlTemplate.ts"
import * as OpenFaasFunctions from "./OpenFaasFunctions.ts"

/** The provider is the first of the three that is given. */
interface Options {
  /** Path of a YAML file. */
  readonly functionsFile?: string | undefined
  /** A template such as `http://{name}.{namespace}:8080`. */
  readonly functionUrl?: string | undefined
  /** An OpenFaaS gateway. */
  readonly gatewayUrl?: string | undefined
  readonly defaultNamespace: string
  /** The directory with the OpenFaaS gateway's credentials, if it wants any. */
  readonly secretMountPath: string
}

/** Where the calls of a function go, and what its owner says about it. */
export class Functions extends Context.Service<
  Functions,
  {
    readonly find: Find
    /** Asks anew each time. Absent where the provider knows of no replicas. */
    readonly replicas?: CountReplicas
  }
>()("sluice/functions/Functions") {
  static readonly layer = (options: Options) => Layer.effect(Functions, provider(options))
}

const provider = Effect.fnUntraced(function* (options: Options) {
  const { functionsFile, functionUrl, gatewayUrl, defaultNamespace, secretMountPath } = options
  if (functionsFile !== undefined) return { find: yield* FunctionsFile.make(functionsFile, defaultNamespace) }
  if (functionUrl !== undefined) return { find: yield* FunctionUrlTemplate.make(functionUrl) }
  if (gatewayUrl === undefined) {
    return yield* refused("no functions are known: set functions_file, function_url or gateway_url")
  }
  const base = BaseUrl.parse(gatewayUrl)
  if (Result.isFailure(base)) {
    return yield* refused(`gateway_url is ${BaseUrl.quoted(gatewayUrl)}: ${base.failure}`)
  }
  return yield* OpenFaasFunctions.make({ gatewayUrl: base.success, defaultNamespace, secretMountPath })
})

const refused = (message: string) => new FunctionUrlTemplate.FunctionUrlError({ message })
