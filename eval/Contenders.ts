import { fixed } from "../src/domain/limiter/Fixed.ts"
import type { Limiter } from "../src/domain/limiter/Limiter.ts"
import { pace } from "../src/domain/limiter/Pace.ts"
import { coreOnly, everything, type Features } from "../src/domain/limiter/State.ts"
import { awsAdaptive } from "./peers/AwsAdaptive.ts"
import { cubic } from "./peers/Cubic.ts"
import { dialogue } from "./peers/Dialogue.ts"
import { failsafeGo } from "./peers/FailsafeGo.ts"
import { gradient2 } from "./peers/Gradient2.ts"
import { netflixAimd } from "./peers/NetflixAimd.ts"
import { openFaasProse } from "./peers/OpenFaasProse.ts"
import { type Law, peer } from "./peers/Peer.ts"
import { reno } from "./peers/Reno.ts"
import { vectorArc } from "./peers/VectorArc.ts"
import { vegas } from "./peers/Vegas.ts"
import { cell } from "./simulation/Cell.ts"
import { type Contender, halfJitter } from "./simulation/Contender.ts"

interface Ours {
  readonly hinted?: boolean
  readonly gossips?: boolean
  readonly features?: Features
}

/** Our limiter: the production reducer itself, used as the actor uses it. */
const ours = (
  name: string,
  title: string,
  { hinted = false, gossips = false, features = everything }: Ours = {}
): Contender => ({
  name,
  title,
  start: ({ maxInFlight, seed, now }) => cell(pace({ maxLimit: maxInFlight, seed, features }), now),
  rejected: "hold",
  backoff: halfJitter,
  hinted,
  gossips
})

/** A limiter that knows nothing of queues: a rejected message waits by itself and keeps its permit. */
const library = <S>(name: string, limiter: Limiter<S>): Contender => ({
  name,
  title: limiter.name,
  start: ({ now }) => cell(limiter, now),
  rejected: "keep permit",
  backoff: halfJitter,
  hinted: false,
  gossips: false
})

const law = <L>(name: string, rule: Law<L>): Contender => library(name, peer(rule))

export const ourContenders: ReadonlyArray<Contender> = [
  ours("pace", "PACE"),
  ours("pace+hint", "PACE + hint", { hinted: true }),
  ours("pace+gossip", "PACE + gossip", { gossips: true })
]

export const peers: ReadonlyArray<Contender> = [
  // A plain queue-worker: as much as it may, each message waits by its own, longer back-off.
  {
    ...library("greedy", fixed(100)),
    title: "greedy",
    rejected: "free permit",
    backoff: { first: 2, most: 60, least: 0 }
  },
  law("aimd", netflixAimd),
  { ...law("vegas", vegas(0)), start: ({ seed, now }) => cell(peer(vegas(seed)), now) },
  law("gradient2", gradient2),
  law("arc", vectorArc),
  law("reno", reno),
  law("cubic", cubic),
  library("aws", awsAdaptive),
  law("dialogue", dialogue(false)),
  law("dialogue-ramp", dialogue(true)),
  law("failsafe-go", failsafeGo),
  law("openfaas", openFaasProse)
]

/** Rules that say nothing to a worker on its own; the contenders with hints and gossip show what they bring. */
const fromOutside: ReadonlySet<string> = new Set(["hints", "gossip"])

const switches = (Object.keys(everything) as ReadonlyArray<keyof Features>).filter(
  (feature) => !fromOutside.has(feature)
)

/** PACE with one of its separable rules switched off, and with none of them on. */
export const ablations: ReadonlyArray<Contender> = [
  ...switches.map((feature) =>
    ours(`pace-${feature}`, `PACE without ${feature}`, { features: { ...everything, [feature]: false } })
  ),
  ours("pace-core", "PACE, core only", { features: coreOnly })
]

/** All that a worker may be told: as in production, with OpenFaaS's gateway and several workers. */
export const toldAll = ours("pace+hint+gossip", "PACE + hint + gossip", { hinted: true, gossips: true })

const impatient = (limit: number): Contender => ({
  ...library(`fixed-${limit}`, fixed(limit)),
  rejected: "hold"
})

/** Fixed limits with immediate retries: what a client can trade under random placement. */
export const frontier: ReadonlyArray<Contender> = [20, 25, 30, 35, 40, 45, 50].map(impatient)

export const contenders: ReadonlyArray<Contender> = [...ourContenders, ...peers]

export const named = (name: string): Contender => {
  const found = [...contenders, toldAll, ...ablations, ...frontier].find(
    (contender) => contender.name === name
  )
  if (found === undefined) {
    const known = contenders.map((contender) => contender.name).join(", ")
    throw new Error(`There is no limiter "${name}". There are ${known}.`)
  }
  return found
}
