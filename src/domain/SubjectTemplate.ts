import { Option, Result } from "effect"
import * as FunctionName from "./FunctionName.ts"

/** How the functions of one queue map to subjects, in both directions. */
export interface SubjectTemplate {
  /** The subject of the function's calls. */
  subject(fn: FunctionName.FunctionName): string
  /** The function whose subject this is; none for subjects this template does not make. */
  parse(subject: string): Option.Option<FunctionName.FunctionName>
  /** The literal tokens before the first placeholder, at least the queue: `<prefix>.>` covers every subject. */
  readonly prefix: string
  /** The same for another queue. */
  ofQueue(queue: string): SubjectTemplate
}

const isPlaceholder = (token: string): boolean => token === "{function}" || token === "{namespace}"

const occurrences = (tokens: ReadonlyArray<string>, wanted: string): number =>
  tokens.filter((token) => token === wanted).length

/**
 * Reads a template such as `{queue}.{function}.{namespace}` for one queue. Placeholders and literals are
 * whole tokens; dots in a function's name are written `=` in its token.
 *
 * @returns the template, or why it is refused.
 */
export const make = (template: string, queue: string): Result.Result<SubjectTemplate, string> => {
  const [first, ...rest] = template.split(".")
  if (first !== "{queue}" && first !== queue) {
    return Result.fail(`it has to start with "{queue}", as in "{queue}.{function}.{namespace}"`)
  }
  for (const placeholder of ["{function}", "{namespace}"]) {
    if (occurrences(rest, placeholder) !== 1) {
      return Result.fail(`it has to hold "${placeholder}" exactly once, as a whole part between dots`)
    }
  }
  const wrong = rest.find((token) => !isPlaceholder(token) && !/^[A-Za-z0-9_-]+$/.test(token))
  if (wrong !== undefined) {
    return Result.fail(
      `its part "${wrong}" has to be "{function}", "{namespace}" or made of letters, digits, "-" and "_"`
    )
  }

  return Result.succeed(fill(queue, rest))
}

const fill = (queue: string, rest: ReadonlyArray<string>): SubjectTemplate => {
  const tokens = [queue, ...rest]
  const functionAt = tokens.indexOf("{function}")
  const namespaceAt = tokens.indexOf("{namespace}")
  return {
    ofQueue: (other) => fill(other, rest),
    prefix: tokens.slice(0, Math.min(functionAt, namespaceAt)).join("."),
    subject: (fn) =>
      tokens.with(functionAt, FunctionName.nameToken(fn)).with(namespaceAt, fn.namespace).join("."),
    parse: (subject) => {
      const parts = subject.split(".")
      const literalsMatch =
        parts.length === tokens.length &&
        tokens.every((token, index) => isPlaceholder(token) || token === parts[index])
      if (!literalsMatch) return Option.none()
      const name = parts[functionAt]?.replaceAll("=", ".")
      return Result.getSuccess(FunctionName.parse(`${name}.${parts[namespaceAt]}`, ""))
    }
  }
}
