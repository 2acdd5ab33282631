import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as AddressRules from "../../src/domain/AddressRules.ts"

const denies = (...networks: ReadonlyArray<string>) => AddressRules.denies(networks)

const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
const bits = (address: ReadonlyArray<number>) =>
  address.map((octet) => octet.toString(2).padStart(8, "0")).join("")

describe("denied networks", () => {
  it.each([
    ["169.254.0.0/16", "169.254.169.254"],
    ["169.254.0.0/16", "::ffff:169.254.169.254"],
    ["169.254.0.0/16", "::ffff:a9fe:a9fe"],
    ["169.254.0.0/16", "0:0:0:0:0:ffff:a9fe:a9fe"],
    ["169.254.0.0/16", "64:ff9b::a9fe:a9fe"],
    ["::ffff:10.0.0.0/104", "10.1.2.3"],
    ["fe80::/10", "febf::1"],
    ["fe80::/10", "fe80::1%eth0"],
    ["fd00:ec2::254", "fd00:0ec2:0::0254"],
    ["100.100.100.200", "100.100.100.200"],
    ["127.0.0.0/8", "0.0.0.0"],
    ["::1", "::"],
    ["0.0.0.0/0", "8.8.8.8"],
    ["10.0.0.0/8", "who knows"]
  ])("%s holds %s", (network, address) => {
    expect(denies(network)(address)).toBe(true)
  })

  it.each([
    ["169.254.0.0/16", "169.255.0.1"],
    ["169.254.0.0/16", "::ffff:169.255.0.1"],
    ["169.254.0.0/16", "64:ff9b::a9ff:1"],
    ["fe80::/10", "fec0::1"],
    ["fd00:ec2::254", "fd00:ec2::255"],
    ["100.100.100.200", "100.100.100.201"],
    ["127.0.0.1", "127.0.0.2"],
    ["10.0.0.0/8", "0.0.0.0"]
  ])("%s does not hold %s", (network, address) => {
    expect(denies(network)(address)).toBe(false)
  })

  it("deny what any one of them holds, and without any nothing is denied", () => {
    const both = denies("10.0.0.0/8", "fd00::/8")
    expect(["10.0.0.1", "fd12::1", "11.0.0.1", "fe00::1"].map(both)).toEqual([true, true, false, false])
    expect(["169.254.169.254", "::1"].map(denies())).toEqual([false, false])
  })

  it("hold the addresses that begin with their bits, however those are written", () => {
    fc.assert(
      fc.property(octets, fc.nat(32), octets, fc.nat(32), (network, length, random, shared) => {
        // Close to the network, or almost no address would be in it.
        const mixed = bits(network).slice(0, shared) + bits(random).slice(shared)
        const address = [0, 8, 16, 24].map((at) => Number.parseInt(mixed.slice(at, at + 8), 2))
        fc.pre(address.some((octet) => octet > 0))
        const inside = mixed.startsWith(bits(network).slice(0, length))
        const check = denies(`${network.join(".")}/${length}`)
        const hex = Buffer.from(address).toString("hex")
        const groups = `${hex.slice(0, 4)}:${hex.slice(4)}`
        for (const form of [
          address.join("."),
          `::ffff:${address.join(".")}`,
          `::ffff:${groups}`,
          `64:ff9b::${groups}`
        ])
          expect(check(form)).toBe(inside)
      })
    )
  })
})

describe("the text of the networks", () => {
  it.each([
    ["10.0.0.0/8, fd00::/8,192.0.2.1", ["10.0.0.0/8", "fd00::/8", "192.0.2.1"]],
    ["none", []]
  ])("%s is understood", (text, networks) => {
    expect(AddressRules.fromText(text)).toEqual(Result.succeed(networks))
  })

  it.each([
    "",
    "10.0.0.0/33",
    "fd00::/129",
    "10.0.0/8",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "localhost",
    "10.0.0.0/8,",
    "fe80::1%a",
    "10.0.0.0/8/8",
    "none,10.0.0.0/8"
  ])("%j is refused", (text) => {
    expect(Result.isFailure(AddressRules.fromText(text))).toBe(true)
  })
})
