import { Result } from "effect"

/** Go's `url.URL` as its JSON shows it. `User` says at most that there was one: Go drops what it held. */
export interface GoUrl {
  readonly Scheme: string
  readonly Opaque: string
  readonly User: unknown
  readonly Host: string
  /** Decoded. */
  readonly Path: string
  readonly Fragment: string
  /** Without the `?`. */
  readonly RawQuery: string
  /** The path as it was written, when Go would write `Path` in another way; else empty. */
  readonly RawPath: string
  readonly RawFragment: string
  /** The URL ends with a `?` and an empty query. */
  readonly ForceQuery: boolean
  readonly OmitHost: boolean
}

const absoluteOnly = "only an absolute http:// or https:// URL can be called"

const empty: GoUrl = {
  Scheme: "",
  Opaque: "",
  User: null,
  Host: "",
  Path: "",
  Fragment: "",
  RawQuery: "",
  RawPath: "",
  RawFragment: "",
  ForceQuery: false,
  OmitHost: false
}

const percentEncode = (text: string): string =>
  Buffer.from(text, "utf8").reduce(
    (encoded, byte) => `${encoded}%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    ""
  )

/** One part of a URL: what Go leaves as it is when it writes the part, and what it accepts as written. */
interface Encoding {
  readonly escaped: RegExp
  readonly valid: RegExp
}

const pathEncoding: Encoding = {
  escaped: /[^A-Za-z0-9\-._~$&+,/:;=@]+/g,
  valid: /^[A-Za-z0-9\-._~$&+,/:;=@!'()*[\]%]*$/
}

const fragmentEncoding: Encoding = {
  escaped: /[^A-Za-z0-9\-._~$&+,/:;=?@!()*]+/g,
  valid: /^[A-Za-z0-9\-._~$&+,/:;=?@!'()*[\]%]*$/
}

const encode = (text: string, encoding: Encoding): string => text.replace(encoding.escaped, percentEncode)

/** `undefined` for a `%` that starts no escape. Bytes that are not UTF-8 become U+FFFD, as in Go's JSON. */
const decode = (text: string): string | undefined => {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return undefined
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) =>
    Buffer.from(escapes.replaceAll("%", ""), "hex").toString("utf8")
  )
}

/** Go's `EscapedPath`: as it was written, if that is a valid way to write it. */
const written = (decoded: string, raw: string, encoding: Encoding): string =>
  raw !== "" && encoding.valid.test(raw) && decode(raw) === decoded ? raw : encode(decoded, encoding)

const absolute = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(?:#(.*))?$/

const isHttp = (scheme: string): boolean => scheme === "http" || scheme === "https"

/**
 * Takes an absolute http or https URL apart as Go's `url.Parse` does.
 *
 * @returns its parts, or why it is refused: relative, another scheme, no host, or with credentials, which Go's
 *   JSON would lose.
 */
export const fromUrl = (text: string): Result.Result<GoUrl, string> => {
  // oxlint-disable-next-line no-control-regex
  if (/[\x00-\x1f\x7f]/.test(text)) return Result.fail("it holds a control character")
  const [, givenScheme = "", host = "", rawPath = "", query = "", rawFragment = ""] =
    absolute.exec(text) ?? []
  const scheme = givenScheme.toLowerCase()
  if (!isHttp(scheme)) return Result.fail(absoluteOnly)
  if (host.includes("@")) {
    return Result.fail(
      "it holds credentials, which a queued message cannot keep: remove the part before the @"
    )
  }
  const path = decode(rawPath)
  const fragment = decode(rawFragment)
  if (path === undefined || fragment === undefined) {
    return Result.fail('it holds a "%" without two hexadecimal digits after it')
  }
  const url: GoUrl = {
    ...empty,
    Scheme: scheme,
    Host: host,
    Path: path,
    Fragment: fragment,
    RawQuery: query.slice(1),
    RawPath: encode(path, pathEncoding) === rawPath ? "" : rawPath,
    RawFragment: encode(fragment, fragmentEncoding) === rawFragment ? "" : rawFragment,
    ForceQuery: query === "?"
  }
  return Result.map(toUrl(url), () => url)
}

/**
 * Writes the URL of its parts, or checks one that is text already.
 *
 * @returns an absolute http or https URL without credentials, or why there is none.
 */
export const toUrl = (url: GoUrl | string): Result.Result<string, string> => {
  if (typeof url === "string") return Result.flatMap(fromUrl(url), toUrl)
  const scheme = url.Scheme.toLowerCase()
  if (!isHttp(scheme) || url.Opaque !== "" || url.Host === "") return Result.fail(absoluteOnly)
  // A separator in the host would make another host, or credentials, of what follows it.
  if (/[\s/\\?#@]/.test(url.Host)) return Result.fail("its host holds a character that no host may have")
  const path = written(url.Path, url.RawPath, pathEncoding)
  const slash = path === "" || path.startsWith("/") ? "" : "/"
  // Go sends the query as it is; a "#" or a line break in it would end it.
  const rawQuery = url.RawQuery.replace(/[^!-~]+|#/g, percentEncode)
  const query = url.ForceQuery || rawQuery !== "" ? `?${rawQuery}` : ""
  const fragment = written(url.Fragment, url.RawFragment, fragmentEncoding)
  const text = `${scheme}://${url.Host}${slash}${path}${query}${fragment === "" ? "" : `#${fragment}`}`
  return URL.canParse(text) ? Result.succeed(text) : Result.fail("its host or port is not valid")
}

const isField = (name: string): name is keyof GoUrl => Object.hasOwn(empty, name)

const fields = Object.keys(empty).filter(isField)

const fieldOf: ReadonlyMap<string, keyof GoUrl> = new Map(
  fields.flatMap((field) => [
    [field, field],
    [field.toLowerCase(), field]
  ])
)

const isGoUrl = (url: Readonly<Record<keyof GoUrl, unknown>>): url is GoUrl =>
  fields.every((field) => field === "User" || typeof url[field] === typeof empty[field])

/** Reads the JSON of a URL: keys in any case, absent and null fields are empty, as Go reads it. */
export const fromJson = (json: Readonly<Record<string, unknown>>): Result.Result<GoUrl, string> => {
  const url: Record<keyof GoUrl, unknown> = { ...empty }
  for (const key of Object.keys(json)) {
    const field = fieldOf.get(key) ?? fieldOf.get(key.toLowerCase())
    if (field !== undefined && json[key] !== null) url[field] = json[key]
  }
  return isGoUrl(url) ? Result.succeed(url) : Result.fail("one of its parts is not of the type Go gives it")
}
