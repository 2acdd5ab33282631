import { BlockList, isIP, isIPv4 } from "node:net"
import { Result } from "effect"

/** A network as CIDR (`10.0.0.0/8`, `fd00::/8`), or one address. */
export type Network = string

export const allowed =
  "networks such as 10.0.0.0/8 or fd00::/8, or addresses, separated by commas; none denies nothing"

/** Reads a list of networks; the failure is what is allowed. */
export const fromText = (text: string): Result.Result<ReadonlyArray<Network>, string> => {
  if (text.trim() === "none") return Result.succeed([])
  const networks = text.split(",").map((network) => network.trim())
  return networks.every(isNetwork) ? Result.succeed(networks) : Result.fail(allowed)
}

const isNetwork = (text: string): boolean => {
  const { address, bits, length } = parts(text)
  return isIP(address) !== 0 && /^\d+$/.test(length) && Number(length) <= bits && !address.includes("%")
}

const parts = (network: Network) => {
  const slash = network.indexOf("/")
  const address = slash < 0 ? network : network.slice(0, slash)
  const bits = isIPv4(address) ? 32 : 128
  return { address, bits, length: slash < 0 ? String(bits) : network.slice(slash + 1) }
}

// Where a network has only IPv6, a gateway takes what is sent there to the IPv4 address at its end (RFC 6052).
const throughNat64 = "64:ff9b::"

/**
 * Whether an address is in one of the networks. An IPv4 address is itself however IPv6 writes it: mapped
 * (`::ffff:10.0.0.1`) or behind NAT64. What is no address is denied.
 */
export const denies = (networks: ReadonlyArray<Network>): ((address: string) => boolean) => {
  // It takes mapped addresses for the IPv4 ones they are, in rules and in questions.
  const list = new BlockList()
  for (const network of networks) {
    const { address, length } = parts(network)
    list.addSubnet(address, Number(length), familyOf(address))
    if (isIPv4(address)) list.addSubnet(throughNat64 + address, Number(length) + 96, "ipv6")
  }
  // Linux connects to itself for these, so a rule for loopback is one for them.
  if (list.check("127.0.0.1", "ipv4")) list.addAddress("0.0.0.0", "ipv4")
  if (list.check("::1", "ipv6")) list.addAddress("::", "ipv6")
  return (address) => isIP(address) === 0 || list.check(address, familyOf(address))
}

const familyOf = (address: string) => (isIPv4(address) ? "ipv4" : "ipv6")
