/** Where the requests to a function go, as its URL says. */
export interface Target {
  readonly origin: string
  readonly basePath: string
  readonly protocol: string
  readonly hostname: string
  /** empty when it is the protocol's own */
  readonly port: string
}

/** There are as many as functions. */
const targets = new Map<string, Target>()

/** Reads a function's URL once: reading it is a good part of what a call and its trace cost. */
export const targetOf = (url: string): Target => {
  const known = targets.get(url)
  if (known !== undefined) return known
  const { hostname, origin, pathname, port, protocol } = new URL(url)
  const target = { origin, basePath: pathname, protocol, hostname, port }
  targets.set(url, target)
  return target
}
