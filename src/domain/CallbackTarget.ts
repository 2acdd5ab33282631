import { Result } from "effect"

/** A host name, an address as URLs write it, or `*.example.com` for every name below `example.com`. */
export type HostRule = string

export const allowed =
  "host names, addresses and *.example.com (every name below it) separated by commas, without port"

/** Reads a list of rules; the failure is what is allowed. */
export const rulesFromText = (text: string): Result.Result<ReadonlyArray<HostRule>, string> => {
  const rules = text.split(",").map((rule) => ruleOf(rule.trim()))
  const known = rules.filter((rule) => rule !== undefined)
  return known.length === rules.length ? Result.succeed(known) : Result.fail(allowed)
}

/** As URLs have it: in lower case, international names encoded, addresses in one form. */
const ruleOf = (text: string): HostRule | undefined => {
  const wildcard = text.startsWith("*.") ? "*." : ""
  const name = text.slice(wildcard.length)
  if (name === "" || /[\s/\\?#@*:]/.test(name.replace(/^\[[\da-f:.]+\]$/i, ""))) return undefined
  const url = URL.canParse(`http://${name}`) ? new URL(`http://${name}`) : undefined
  return url === undefined ? undefined : wildcard + nameOf(url)
}

const nameOf = (url: URL): string => url.hostname.replace(/\.$/, "")

/**
 * Where a callback goes.
 *
 * @param rules `undefined` allows every host
 * @returns the URL, or why nothing may be sent there
 */
export const check = (
  text: string,
  rules: ReadonlyArray<HostRule> | undefined
): Result.Result<URL, string> => {
  if (!URL.canParse(text)) return Result.fail("it is not an absolute URL")
  const url = new URL(text)
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return Result.fail(`its scheme is ${url.protocol.slice(0, -1)}, and only http and https are called`)
  }
  if (rules !== undefined && !rules.some((rule) => matches(rule, nameOf(url)))) {
    return Result.fail(`its host ${url.hostname} is not one that callback_allow_hosts allows`)
  }
  return Result.succeed(url)
}

const matches = (rule: HostRule, host: string): boolean =>
  rule.startsWith("*.") ? host.endsWith(rule.slice(1)) : host === rule
