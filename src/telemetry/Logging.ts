import { Cause, Layer, Logger, Predicate, References } from "effect"
import { printable } from "../domain/Printable.ts"

/** `auto` is `console` when stderr is a terminal and `json` otherwise. */
type Encoding = "auto" | "console" | "json"

/** One log line before it is written. */
interface Entry {
  readonly time: Date
  readonly level: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/**
 * Structured logs on stderr, as OpenFaaS's workers do; stdout belongs to what a command prints.
 * Fields come from `Effect.annotateLogs` and from plain objects given to `Effect.log`. Values of keys
 * that look like secrets and credentials inside URLs are hidden.
 */
export function layer(options: { readonly encoding: Encoding; readonly debug: boolean }): Layer.Layer<never> {
  const terminal = process.stderr.isTTY === true
  const encoding = options.encoding === "auto" ? (terminal ? "console" : "json") : options.encoding
  const colour = terminal && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb"
  return Layer.mergeAll(
    Logger.layer([make({ encoding, colour, write: toStderr })]),
    Layer.succeed(References.MinimumLogLevel)(options.debug ? "Debug" : "Info")
  )
}

/** Writes to stderr are synchronous for files, pipes and terminals, so no line is lost at exit. */
function toStderr(line: string): void {
  process.stderr.write(line)
}

/** The logger of the layer, with its output as an argument: `write` gets whole lines. */
export function make(options: {
  readonly encoding: Exclude<Encoding, "auto">
  readonly colour: boolean
  readonly write: (line: string) => void
}): Logger.Logger<unknown, void> {
  const format = options.encoding === "json" ? jsonLine : (entry: Entry) => consoleLine(entry, options.colour)
  return Logger.make(({ cause, date, fiber, logLevel, message }) => {
    const texts: Array<string> = []
    const fields: Record<string, unknown> = { ...fiber.getRef(References.CurrentLogAnnotations) }
    for (const part of Array.isArray(message) ? message : [message]) {
      if (part instanceof Error) fields["error"] = part
      else if (Predicate.isReadonlyObject(part)) Object.assign(fields, part)
      else texts.push(String(part))
    }
    if (cause.reasons.length > 0) fields["error"] = Cause.pretty(cause)
    const entry = { time: date, level: logLevel.toLowerCase(), message: texts.join(" "), fields }
    options.write(`${format(entry)}\n`)
  })
}

function jsonLine({ fields, level, message, time }: Entry): string {
  const line: Record<string, unknown> = { ts: time.toISOString(), level, msg: message }
  for (const key in fields) {
    if (!(key in line)) line[key] = fields[key]
  }
  try {
    return JSON.stringify(line, hideSecrets)
  } catch {
    // A field JSON cannot carry, such as a circular one, must not cost the line.
    const { level, msg, ts } = line
    return JSON.stringify({ ts, level, msg, unprintable_fields: Object.keys(fields) }, hideSecrets)
  }
}

const colours: Readonly<Record<string, string>> = { fatal: "31", error: "31", warn: "33", info: "36" }

function consoleLine({ fields, level, message, time }: Entry, colour: boolean): string {
  const paint = (code: string, text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text)
  const parts = [
    paint("2", time.toISOString()),
    paint(colours[level] ?? "2", level.padEnd(5)),
    printable(hideCredentials(message))
  ]
  const below: Array<string> = []
  for (const [key, value] of Object.entries(fields)) {
    const shown = hideSecrets(key, value)
    if (shown === undefined) continue
    if (typeof shown === "string" && shown.includes("\n")) {
      below.push(...`${key}: ${shown}`.split("\n").map((text) => `\n    ${printable(text)}`))
    } else {
      parts.push(`${paint("2", `${printable(key)}=`)}${printable(consoleValue(shown))}`)
    }
  }
  return parts.join(" ") + below.join("")
}

function consoleValue(value: unknown): string {
  if (typeof value === "string" && /^[^\s"\\=]+$/.test(value)) return value
  try {
    return JSON.stringify(value, hideSecrets)
  } catch {
    return "(unprintable)"
  }
}

/** Names of values that are not shown to anybody. */
export const secretKey = /passw|token|authorization|secret|credential|cookie|api[-_]?key/i

/** Also the replacer for JSON.stringify, so that nested fields are covered too. */
function hideSecrets(key: string, value: unknown): unknown {
  if (value === undefined || value === null) return value
  if (secretKey.test(key)) return "***"
  if (typeof value === "string") return hideCredentials(value)
  if (typeof value === "bigint") return value.toString()
  if (value instanceof Error) return hideCredentials(value.message)
  return value
}

function hideCredentials(text: string): string {
  return text.includes("@") ? text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/"']*@/gi, "$1***@") : text
}
