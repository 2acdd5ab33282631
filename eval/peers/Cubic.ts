import { type Law, isDrop } from "./Peer.ts"

const most = 1000
const scale = 0.4
const beta = 0.7

interface Cubic {
  readonly window: number
  /** The window at the last cut; `undefined` in slow start. */
  readonly before: number | undefined
  /** When the last cut was, in seconds. */
  readonly cutAt: number
  readonly recoverUntil: number
}

/** Where the curve is `elapsed` seconds after a cut: flat around the old window, steep far from it. */
const curve = (before: number, elapsed: number): number =>
  scale * (elapsed - Math.cbrt((before * (1 - beta)) / scale)) ** 3 + before

/** TCP CUBIC (RFC 9438) on calls instead of segments, without the Reno-friendly region. */
export const cubic: Law<Cubic> = {
  name: "CUBIC",
  initial: () => ({ window: 1, before: undefined, cutAt: 0, recoverUntil: 0 }),
  sample: (cubic, { kind, seq, lastSeq, inFlightNow, now }) => {
    const { window, before, cutAt, recoverUntil } = cubic
    if (isDrop(kind)) {
      if (seq <= recoverUntil) return cubic
      return { window: Math.max(1, window * beta), before: window, cutAt: now, recoverUntil: lastSeq }
    }
    if (kind !== "success" || inFlightNow + 1 < Math.floor(window)) return cubic
    if (before === undefined) return { ...cubic, window: Math.min(most, window + 1) }
    const target = Math.min(curve(before, now - cutAt), 1.5 * window)
    const grown = window + Math.max(0, target - window) / window
    return { ...cubic, window: Math.min(most, grown) }
  },
  limit: ({ window }) => window
}
