import { lookup as lookUp, type LookupAddress } from "node:dns"
import { isIP, type LookupFunction } from "node:net"
import { buildConnector } from "undici"
import * as AddressRules from "../domain/AddressRules.ts"

/** Nothing was sent: a rule denies the only addresses there are. */
export class AddressDenied extends Error {
  override readonly name = "AddressDenied"
}

export interface GuardedConnectOptions {
  readonly denyNetworks: ReadonlyArray<AddressRules.Network>
  readonly tlsInsecure: boolean
  readonly timeoutMillis: number
  /** Finds the addresses of a name; the system does when it is not given. */
  readonly lookup?: LookupFunction | undefined
}

/**
 * Makes connections for undici, none of them to a denied address. What is checked is what is connected to: the
 * very addresses that the name's lookup gave for this connection, so that a name that changes its mind gains
 * nothing.
 */
export const guardedConnect = (options: GuardedConnectOptions): buildConnector.connector => {
  const denies = AddressRules.denies(options.denyNetworks)
  const connect = buildConnector({
    allowH2: false,
    rejectUnauthorized: !options.tlsInsecure,
    timeout: options.timeoutMillis,
    lookup: guardedLookup(options.lookup ?? lookUp, denies)
  })
  return (target, callback) => {
    // Node does not look addresses up. They are in one form: undici has them from a URL.
    if (isIP(target.hostname) === 0 || !denies(target.hostname)) return connect(target, callback)
    callback(new AddressDenied(`the address ${target.hostname} is in callback_deny_networks`), null)
  }
}

/** Passes on the addresses that are not denied. */
const guardedLookup =
  (lookup: LookupFunction, denies: (address: string) => boolean): LookupFunction =>
  (hostname, options, callback) =>
    lookup(hostname, { ...options, all: true }, (error, found, family) => {
      if (error !== null) return callback(error, "")
      const addresses = typeof found === "string" ? [{ address: found, family: family ?? 0 }] : found
      const open = addresses.filter(({ address }) => !denies(address))
      const [first] = open
      if (first === undefined) return callback(denied(hostname, addresses), "")
      if (options.all) return callback(null, open)
      callback(null, first.address, first.family)
    })

const denied = (hostname: string, addresses: ReadonlyArray<LookupAddress>) =>
  addresses.length === 0
    ? new Error(`${hostname} has no address`)
    : new AddressDenied(
        `${hostname} is at ${addresses.map(({ address }) => address).join(", ")}, which callback_deny_networks denies`
      )
