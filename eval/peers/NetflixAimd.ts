import { type Law, clamp, isDrop } from "./Peer.ts"

const initial = 20
/** The library's own least limit is 20, which cannot work where a replica has five slots. */
const least = 1
const most = 200
const backoffRatio = 0.9

/**
 * Netflix concurrency-limits, AIMDLimit: every drop takes a tenth, every success that left with half of the
 * limit in use adds one. Its default that a call of over 5 s is a drop is off: here calls may take that long.
 */
export const netflixAimd: Law<number> = {
  name: "Netflix AIMD",
  initial: () => initial,
  sample: (limit, { kind, inFlight }) => {
    if (isDrop(kind)) return clamp(Math.trunc(limit * backoffRatio), least, most)
    return kind === "success" && inFlight * 2 >= limit ? clamp(limit + 1, least, most) : limit
  },
  limit: (limit) => limit
}
