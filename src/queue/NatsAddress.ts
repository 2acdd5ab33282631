import type { ConnectionOptions } from "@nats-io/transport-node"

const addressesOf = (url: string): ReadonlyArray<URL> => url.split(",").map((part) => new URL(part))

const hostOf = (address: URL): string => `${address.hostname}:${address.port || "4222"}`

/** The addresses without user, password or token: for logs and messages. */
export const withoutCredentials = (url: string): string =>
  addressesOf(url)
    .map((address) => `${address.protocol}//${hostOf(address)}`)
    .join(",")

/** What nats.js needs to know to connect. All addresses share the credentials of the first one. */
export const connectionOptions = (url: string): ConnectionOptions => {
  const addresses = addressesOf(url)
  const first = new URL(url.replace(/,.*/, ""))
  const user = decodeURIComponent(first.username)
  const pass = decodeURIComponent(first.password)
  return {
    servers: addresses.map(hostOf),
    ...(user === "" ? {} : pass === "" ? { token: user } : { user, pass }),
    ...(addresses.some((address) => address.protocol === "tls:") ? { tls: {} } : {})
  }
}

export const hasCredentials = (url: string): boolean =>
  addressesOf(url).some(({ username }) => username !== "")
