import { Result } from "effect"

export const allowed =
  "nats://host:port or tls://host:port (user:password@ or token@ before the host, servers of one " +
  "cluster separated by commas, all with the same scheme and credentials)"

/** The address of a single server without credentials. */
export function single(host: string, port: number): string {
  return `nats://${host.includes(":") ? `[${host}]` : host}:${port}`
}

/** Checks `NATS_URL` and writes out what it may leave out: `nats://` and port 4222. The failure is what is allowed. */
export function parse(text: string): Result.Result<string, string> {
  const parts = text.split(",")
  const servers = parts.flatMap((part) => parseServer(part) ?? [])
  // The client has one set of credentials for all servers, and would send it to each of them.
  const sameAccess = new Set(servers.map(({ access }) => access)).size === 1
  return servers.length === parts.length && sameAccess
    ? Result.succeed(servers.map(({ access, host }) => `${access}${host}`).join(","))
    : Result.fail(allowed)
}

interface Server {
  /** Scheme and credentials: `nats://user:password@`. */
  readonly access: string
  readonly host: string
}

function parseServer(text: string): Server | undefined {
  const trimmed = text.trim()
  const address = trimmed.includes("://") ? trimmed : `nats://${trimmed}`
  if (!URL.canParse(address)) return undefined
  const { hash, hostname, password, pathname, port, protocol, search, username } = new URL(address)
  const isNats = protocol === "nats:" || protocol === "tls:"
  const nothingElse = /^\/?$/.test(pathname) && search === "" && hash === ""
  if (!isNats || hostname === "" || !nothingElse || !isDecodable(username + password)) return undefined
  const credentials = password === "" ? username : `${username}:${password}`
  return {
    access: `${protocol}//${credentials === "" ? "" : `${credentials}@`}`,
    host: `${hostname}:${port || "4222"}`
  }
}

function isDecodable(text: string): boolean {
  return Result.isSuccess(Result.try(() => decodeURIComponent(text)))
}
