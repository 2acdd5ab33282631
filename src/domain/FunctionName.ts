import { Result } from "effect"
import * as StreamCreation from "./StreamCreation.ts"

/** A function as OpenFaaS knows it. The namespace holds no dot, the name may. */
export interface FunctionName {
  readonly name: string
  readonly namespace: string
}

const longestName = 128
const longestNamespace = 63

/**
 * Reads `name` or `name.namespace`; the last dot separates the namespace.
 *
 * @returns the name, or why it is refused.
 */
export const parse = (text: string, defaultNamespace: string): Result.Result<FunctionName, string> => {
  const dot = text.lastIndexOf(".")
  const name = dot < 0 ? text : text.slice(0, dot)
  const namespace = dot < 0 ? defaultNamespace : text.slice(dot + 1)

  if (name === "" || namespace === "" || /^\.|\.\.|\.$/.test(name)) {
    return Result.fail('a function is called "name" or "name.namespace", without empty parts between dots')
  }
  if (!/^[A-Za-z0-9._-]+$/.test(name) || !/^[A-Za-z0-9_-]+$/.test(namespace)) {
    return Result.fail('a function\'s name may hold only letters, digits, "-", "_" and "."')
  }
  if (name.length > longestName) {
    return Result.fail(`a function's name has at most ${longestName} characters`)
  }
  if (namespace.length > longestNamespace) {
    return Result.fail(`a function's namespace has at most ${longestNamespace} characters`)
  }
  return Result.succeed({ name, namespace })
}

/** Stands for the function of a message that names none; no function has this name. */
export const unknown: FunctionName = { name: "?", namespace: "?" }

/** `name.namespace`: the key of maps, the label of metrics, the field in logs. One function, one key. */
export const key = (fn: FunctionName): string => `${fn.name}.${fn.namespace}`

/** The name as one token of a subject or a consumer name, where a dot would start the next token. */
export const nameToken = (fn: FunctionName): string => fn.name.replaceAll(".", "=")

/**
 * The name of the function's consumer on the stream created at `streamCreated` (RFC 3339). It holds the
 * creation time because sequences start again in a new stream, where a late acknowledgement meant for the
 * old consumer would settle a new call.
 */
export const consumerName = (fn: FunctionName, streamCreated: string): string =>
  // "=" also separates the parts: neither the namespace nor the creation token can hold one, so reading from
  // the right there is only one way to take a consumer name apart.
  `${nameToken(fn)}=${fn.namespace}=${StreamCreation.token(streamCreated)}`
