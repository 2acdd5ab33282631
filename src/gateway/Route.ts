import { Result } from "effect"
import * as FunctionName from "../domain/FunctionName.ts"

/** A function and what the URL said beyond it, byte for byte. */
export interface Target {
  readonly fn: FunctionName.FunctionName
  /** As in the URL: `name` or `name.namespace`. */
  readonly functionText: string
  /** Empty, or with a leading slash. */
  readonly path: string
  /** Without the `?`. */
  readonly query: string
}

/** `way` is how a function that is refused was to be called. */
export type Route =
  | ({ readonly _tag: "Async" } & Target)
  | ({ readonly _tag: "Sync" } & Target)
  | { readonly _tag: "NotFound" }
  | { readonly _tag: "MethodNotAllowed"; readonly way: "Async"; readonly allow: string }
  | { readonly _tag: "Bad"; readonly way: "Async" | "Sync"; readonly detail: string }

// The URL is not normalised: `..` and escapes in path and query are the function's to read. A proxy may write
// the URL with scheme and host (RFC 9112, 3.2.2).
const functionUrl = /^(?:https?:\/\/[^/?]*)?\/(async-)?function\/([^/?]+)(\/[^?]*)?(?:\?(.*))?$/s

/** Where a request goes, by its method and its URL as the client wrote it. */
export const route = (method: string, rawUrl: string, defaultNamespace: string): Route => {
  const [match, async, functionText = "", path = "", query = ""] = functionUrl.exec(rawUrl) ?? []
  if (match === undefined) return { _tag: "NotFound" }
  const way = async === undefined ? "Sync" : "Async"
  if (way === "Async" && method !== "POST") return { _tag: "MethodNotAllowed", way, allow: "POST" }

  return Result.match(FunctionName.parse(functionText, defaultNamespace), {
    onFailure: (detail) => ({
      _tag: "Bad",
      way,
      detail: `${JSON.stringify(functionText)} is refused: ${detail}`
    }),
    onSuccess: (fn) => ({ _tag: way, fn, functionText, path, query })
  })
}
