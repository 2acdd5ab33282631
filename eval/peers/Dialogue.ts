import { type Law, isDrop } from "./Peer.ts"

const initial = 20
const most = 1_000_000
const ratio = 0.9

interface Dialogue {
  readonly limit: number
  /** Every success adds one until the first drop ever. */
  readonly isRamping: boolean
}

/**
 * Palantir's Dialogue, limiter of an endpoint: a success that left with nine tenths of the limit in use adds
 * `1 / limit`, every 429 (and, by the limiter of the host, every timeout) takes a tenth. `ramp` is its opt-in exponential start.
 */
export const dialogue = (ramp: boolean): Law<Dialogue> => ({
  name: ramp ? "Dialogue ramp" : "Dialogue",
  initial: () => ({ limit: initial, isRamping: ramp }),
  sample: (dialogue, { kind, inFlight }) => {
    const { limit, isRamping } = dialogue
    if (isDrop(kind)) return { limit: Math.max(1, Math.floor(limit * ratio)), isRamping: false }
    if (kind !== "success" || inFlight < Math.floor(limit * ratio)) return dialogue
    return { ...dialogue, limit: Math.min(most, limit + (isRamping ? 1 : 1 / limit)) }
  },
  limit: ({ limit }) => limit
})
