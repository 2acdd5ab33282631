import { Result } from "effect"
import { isIPv6 } from "node:net"
import * as AddressRules from "../domain/AddressRules.ts"
import * as CallbackTarget from "../domain/CallbackTarget.ts"
import * as GoDuration from "../domain/GoDuration.ts"
import * as QueueName from "../domain/QueueName.ts"
import * as RetryPolicy from "../domain/RetryPolicy.ts"
import * as NatsUrl from "./NatsUrl.ts"

/** Turns the text of a setting into its value; a failure is what is allowed instead. */
export interface Parser<A> {
  /** One word for help texts: `duration`, `integer` ... */
  readonly type: string
  readonly allowed: string
  readonly parse: (text: string) => Result.Result<A, string>
}

// Node's timers take at most 2^31 - 1 milliseconds and fire at once above that.
const longestTimer = "576h"

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number): Parser<number> {
  return parser("integer", `a whole number from ${min} to ${max}`, (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max ? value : undefined
  })
}

/** A Go duration (`1m30s`) between two others; the value is in milliseconds. */
export function duration(atLeast: string, atMost = longestTimer): Parser<number> {
  const min = Result.getOrThrow(GoDuration.parse(atLeast))
  const max = Result.getOrThrow(GoDuration.parse(atMost))
  const allowed = `a duration such as 500ms, 30s or 1m30s, at least ${atLeast} and at most ${atMost}`
  return parser("duration", allowed, (text) => {
    const millis = Result.getOrUndefined(GoDuration.parse(text))
    if (millis === undefined || millis < min || millis > max) return undefined
    return millis
  })
}

export const boolean: Parser<boolean> = parser("boolean", "true, false, 1 or 0", (text) => {
  if (text === "true" || text === "1") return true
  if (text === "false" || text === "0") return false
  return undefined
})

/** One of a few words. */
export function oneOf<const Word extends string>(...words: ReadonlyArray<Word>): Parser<Word> {
  return parser(words.join("|"), words.join(", "), (text) => words.find((word) => word === text))
}

/** Copies of a stream: JetStream wants an odd number. */
export const replicas: Parser<number> = parser("1|3|5", "1, 3 or 5", (text) =>
  /^[135]$/.test(text) ? Number(text) : undefined
)

/** Text that matches a pattern. */
export function matching(type: string, allowed: string, pattern: RegExp): Parser<string> {
  return parser(type, allowed, (text) => (pattern.test(text) ? text : undefined))
}

export const host: Parser<string> = parser(
  "host",
  "a host name or address without scheme and port (NATS_URL takes those)",
  (text) => (/^[\w.-]+$/.test(text) || isIPv6(text) ? text : undefined)
)

/** A path of a file or directory; whether it can be read is found out by whoever reads it. */
export const path: Parser<string> = matching("path", "a path", /^[^\0]+$/)

export const statusCodes: Parser<ReadonlySet<number>> = {
  type: "codes",
  allowed: "HTTP status codes from 300 to 599 separated by commas, such as 429,503",
  parse: RetryPolicy.codesFromText
}

export const hostRules: Parser<ReadonlyArray<string>> = {
  type: "hosts",
  allowed: CallbackTarget.allowed,
  parse: CallbackTarget.rulesFromText
}

export const networks: Parser<ReadonlyArray<string>> = {
  type: "networks",
  allowed: AddressRules.allowed,
  parse: AddressRules.fromText
}

export const natsUrl: Parser<string> = { type: "url", allowed: NatsUrl.allowed, parse: NatsUrl.parse }

/** The URL of an OpenFaaS gateway; the value has no trailing slash. */
export const gatewayUrl: Parser<string> = parser(
  "url",
  "an http:// or https:// URL without user, query or fragment (credentials are read from secret_mount_path)",
  plainHttpUrl
)

/** Where functions are, with `{name}` and `{namespace}` to be filled in; the value has no trailing slash. */
export const functionUrl: Parser<string> = parser(
  "url",
  "an http:// or https:// URL without user, query or fragment that holds {name}, and {namespace} " +
    "where it matters, such as http://{name}.{namespace}:8080",
  (text) => {
    const filledIn = text.replaceAll("{name}", "name").replaceAll("{namespace}", "namespace")
    // Without a name every function would be called at one place.
    const isTemplate = text.includes("{name}") && !/[{}]/.test(filledIn)
    return isTemplate && plainHttpUrl(filledIn) !== undefined ? text.replace(/\/+$/, "") : undefined
  }
)

export const queueName: Parser<string> = {
  type: "name",
  allowed: QueueName.allowed,
  parse: QueueName.parse
}

function plainHttpUrl(text: string): string | undefined {
  // `new URL` is too kind: it takes white space, backslashes and missing slashes.
  if (!/^https?:\/\/[^\s\\?#@]+$/i.test(text) || !URL.canParse(text)) return undefined
  return text.replace(/\/+$/, "")
}

function parser<A>(type: string, allowed: string, read: (text: string) => A | undefined): Parser<A> {
  return { type, allowed, parse: (text) => Result.fromNullishOr(read(text), () => allowed) }
}
