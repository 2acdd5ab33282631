import { Data } from "effect"

/** A port could not be listened on; the message names it, its setting and what to do. */
export class ListenError extends Data.TaggedError("ListenError")<{ readonly message: string }> {}

export interface Address {
  /** 0 takes a free port. */
  readonly port: number
  /** All addresses of the machine when not given. */
  readonly host?: string | undefined
  /** The name of the setting that holds the port. */
  readonly setting: string
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens on it",
  EACCES: "this user may not listen on it",
  EADDRNOTAVAIL: "this machine does not have that address",
  ENOTFOUND: "this machine does not have that address"
}

export const fromNode = (cause: NodeJS.ErrnoException, address: Address): ListenError => {
  const why = reasons[cause.code ?? ""] ?? cause.message
  const where = address.host === undefined ? `port ${address.port}` : `${address.host}:${address.port}`
  return new ListenError({
    message: `cannot listen on ${where}: ${why}; set ${address.setting} to a free port`
  })
}
