import { BlockList } from "node:net"
import type { INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy"
import type { INetworkPolicyPeer } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicyPeer"
import type { Labels } from "./Kustomize.ts"

/** Who is at the other end: a pod, or somebody with only an address. */
export type Peer = { readonly namespace: string; readonly labels: Labels } | { readonly address: string }

/**
 * Whether a policy lets its pods be reached by a peer (ingress), or reach one (egress), as Kubernetes defines it.
 *
 * @param port of a container by its name, or a number
 * @param own the namespace of the policy
 */
export const allows = (
  { spec }: INetworkPolicy,
  direction: "ingress" | "egress",
  peer: Peer,
  port: string | number,
  own: string
): boolean => {
  const rules =
    direction === "ingress"
      ? (spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
      : (spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }))
  return rules.some(
    ({ peers, ports }) =>
      (peers === undefined || peers.some((selector) => selects(selector, peer, own))) &&
      (ports === undefined || ports.some((each) => each.port === port))
  )
}

const selects = (selector: INetworkPolicyPeer, peer: Peer, own: string): boolean => {
  if ("address" in peer) {
    const { cidr, except = [] } = selector.ipBlock ?? {}
    return cidr !== undefined && within([cidr], peer.address) && !within(except, peer.address)
  }
  // An address of a pod is selected by its labels: a block of addresses is for what is outside the cluster.
  if (selector.ipBlock !== undefined) return false
  const { namespaceSelector, podSelector } = selector
  const inNamespace =
    namespaceSelector === undefined
      ? peer.namespace === own
      : has({ "kubernetes.io/metadata.name": peer.namespace }, namespaceSelector.matchLabels)
  return inNamespace && has(peer.labels, podSelector?.matchLabels)
}

const has = (labels: Labels, wanted: Readonly<Record<string, string>> = {}): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value)

const within = (networks: ReadonlyArray<string>, address: string): boolean => {
  const list = new BlockList()
  // An IPv4 address would be found in ::/0 as the IPv6 address that it can be written as.
  for (const network of networks.filter((each) => each.includes(":") === address.includes(":"))) {
    const [base = "", bits] = network.split("/")
    list.addSubnet(base, Number(bits), base.includes(":") ? "ipv6" : "ipv4")
  }
  return list.check(address, address.includes(":") ? "ipv6" : "ipv4")
}
