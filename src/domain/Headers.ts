/** Canonical name to values. A byte that is not UTF-8 is a lone surrogate in the text, see `fromRaw`. */
export type HeaderMap = Readonly<Record<string, ReadonlyArray<string>>>

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Whether HTTP allows the text as the name of a header or of a method. */
export const isToken = (text: string): boolean => token.test(text)

/** Headers that belong to one connection, or that the client library writes itself. */
const notSentOn: ReadonlySet<string> = new Set([
  "Connection",
  "Content-Length",
  "Expect",
  "Host",
  "Keep-Alive",
  "Te",
  "Trailer",
  "Transfer-Encoding",
  "Upgrade"
])

interface Name {
  readonly canonical: string
  readonly isToken: boolean
  readonly isSentOn: boolean
}

// Names come from callers: what is remembered has to be bounded.
const rememberedNames = 1_000
const knownNames = new Map<string, Name>()

const nameOf = (name: string): Name => {
  const known = knownNames.get(name)
  if (known !== undefined) return known
  const isValid = isToken(name)
  const canonical = isValid ? name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase()) : name
  const isSentOn = !notSentOn.has(canonical) && !canonical.startsWith("Proxy-")
  const result = { canonical, isToken: isValid, isSentOn }
  if (knownNames.size < rememberedNames) knownNames.set(name, result)
  return result
}

/** Go's `textproto.CanonicalMIMEHeaderKey`: `x-call-id` is `X-Call-Id`; an invalid name stays as it is. */
export const canonical = (name: string): string => nameOf(name).canonical

/** All values of a header, whatever the case of its name in the map; `name` is canonical. */
export const values = (map: HeaderMap, name: string): ReadonlyArray<string> => {
  if (Object.hasOwn(map, name)) return map[name] ?? []
  for (const other of Object.keys(map)) {
    if (other.length === name.length && canonical(other) === name) return map[other] ?? []
  }
  return []
}

/** The map with the given headers (canonical names) in place of its own, whatever the case of those. */
export const replaced = (map: HeaderMap, headers: HeaderMap): HeaderMap => {
  const result: Record<string, ReadonlyArray<string>> = Object.create(null)
  for (const name of Object.keys(map)) {
    if (!Object.hasOwn(headers, canonical(name))) result[name] = map[name] ?? []
  }
  return Object.assign(result, headers)
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

// oxlint-disable-next-line no-control-regex
const ascii = /^[\x00-\x7f]*$/

/**
 * Text of bytes that are not all UTF-8: what can be read is read, each other byte becomes the lone surrogate
 * U+DC00 + byte, which no UTF-8 text contains. JSON writes it as an escape, so it comes back as that byte
 * from our own queue; a reader in Go sees U+FFFD, as for every invalid byte in JSON.
 */
const escapeInvalid = (bytes: Buffer): string => {
  let text = ""
  let at = 0
  while (at < bytes.length) {
    const lead = bytes[at] ?? 0
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    try {
      text += utf8.decode(bytes.subarray(at, at + length))
      at += length
    } catch {
      text += String.fromCharCode(0xdc00 + lead)
      at += 1
    }
  }
  return text
}

const textOfLatin1 = (value: string): string => {
  if (ascii.test(value)) return value
  const bytes = Buffer.from(value, "latin1")
  try {
    return utf8.decode(bytes)
  } catch {
    return escapeInvalid(bytes)
  }
}

/** `undefined` for text that no bytes stand for: a surrogate that `escapeInvalid` did not make. */
const latin1OfText = (text: string): string | undefined => {
  if (ascii.test(text)) return text
  if (text.isWellFormed()) return Buffer.from(text, "utf8").toString("latin1")
  let latin1 = ""
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (code >= 0xdc80 && code <= 0xdcff) latin1 += String.fromCharCode(code - 0xdc00)
    else if (code >= 0xd800 && code <= 0xdfff) return undefined
    else latin1 += Buffer.from(character, "utf8").toString("latin1")
  }
  return latin1
}

/**
 * Node's `rawHeaders` (name, value, name, value...; values as latin1) as a map of UTF-8 texts. Nothing is
 * lost: see `escapeInvalid` for bytes that are not UTF-8.
 */
export const fromRaw = (rawHeaders: ReadonlyArray<string>): HeaderMap => {
  // Without a prototype, or a header called "__proto__" would find one.
  const map: Record<string, Array<string>> = Object.create(null)
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = canonical(rawHeaders[index] ?? "")
    const value = textOfLatin1(rawHeaders[index + 1] ?? "")
    const present = map[name]
    if (present === undefined) map[name] = [value]
    else present.push(value)
  }
  return map
}

const namedByConnection = (map: HeaderMap): ReadonlySet<string> | undefined => {
  const connection = values(map, "Connection")
  if (connection.length === 0) return undefined
  return new Set(connection.flatMap((value) => value.split(",")).map((name) => canonical(name.trim())))
}

/** Nearly all values are, and need no closer look. */
const plain = /^[\t\x20-\x7e]*$/
// oxlint-disable-next-line no-control-regex
const carried = /^[^\x00-\x08\x0a-\x1f\x7f]*$/

/**
 * The headers of a new request: a flat list for undici (values are the UTF-8 bytes as latin1) without those
 * that belong to the connection the map came from, and without `extraDrop` (canonical names).
 *
 * @returns also the names of headers that HTTP cannot carry, each once: the call goes on without them.
 */
export const toWire = (
  map: HeaderMap,
  extraDrop?: ReadonlySet<string>
): { headers: Array<string>; dropped: Array<string> } => {
  const headers: Array<string> = []
  const dropped: Array<string> = []
  const named = namedByConnection(map)
  for (const name of Object.keys(map)) {
    const { canonical, isToken, isSentOn } = nameOf(name)
    if (!isSentOn || named?.has(canonical) || extraDrop?.has(canonical)) continue
    let complete = isToken
    for (const value of isToken ? (map[name] ?? []) : []) {
      const wire = plain.test(value) ? value : carried.test(value) ? latin1OfText(value) : undefined
      if (wire === undefined) complete = false
      else headers.push(name, wire)
    }
    if (!complete) dropped.push(name)
  }
  return { headers, dropped }
}
