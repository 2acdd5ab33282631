import type { Score } from "./league/Score.ts"

/** A number of a score that a target may be about. */
type Figure = Exclude<keyof Score, "t95" | "oracle">

/** What a contender must reach in a scenario, on average over five seeds or, where `Score` says so, in each. */
export interface Target {
  readonly scenario: string
  readonly contender: "pace" | "pace+hint" | "pace+gossip"
  readonly figure: Figure
  readonly bound: Bound
}

/** What a number may be. */
export interface Bound {
  readonly most?: number
  readonly least?: number
}

export const most = (value: number): Bound => ({ most: value })
export const least = (value: number): Bound => ({ least: value })

interface Row {
  /** Times the oracle. */
  readonly drain: number
  readonly rejected?: number
  /** Without and with the hint of replica counts, and with workers that talk. */
  readonly blind?: Partial<Record<Figure, Bound>>
  readonly hinted?: Partial<Record<Figure, Bound>>
  readonly gossip?: Partial<Record<Figure, Bound>>
}

const rows: Readonly<Record<string, Row>> = {
  S1: {
    drain: 1.15,
    rejected: 0.05,
    blind: { mostReplicas: least(8) },
    hinted: { drain: most(1.05), rejected: most(0.05) }
  },
  S2: { drain: 1.08, rejected: 0.04 },
  S3: { drain: 2.2, rejected: 0.35 },
  S4: { drain: 1.05, rejected: 0.015, blind: { worstBurst: most(5) } },
  S5: { drain: 1.12, rejected: 0.01, blind: { lastRise: most(6) }, hinted: { lastRise: most(2) } },
  S6: { drain: 1.18, rejected: 0.02, blind: { firstFall: most(20) } },
  S7: { drain: 1.25, rejected: 0.04 },
  S8: { drain: 1.18, rejected: 0.06 },
  S9: { drain: 1.05, rejected: 0.05, blind: { jain: least(0.85), longestGap: most(8) } },
  S10: {
    drain: 1.08,
    rejected: 0.065,
    blind: { jain: least(0.55) },
    gossip: { drain: most(1.15), jain: least(0.85) }
  },
  S11: { drain: 1.05, rejected: 0.02 },
  S12: { drain: 1.05, rejected: 0.02, blind: { loweredByFailure: most(0) } },
  S13: { drain: 1.2, rejected: 0.05, blind: { early: most(0) } },
  S14: { drain: 1.18, rejected: 0, blind: { p95Latency: most(3.5), timeouts: most(0) } },
  S15: { drain: 1.35, rejected: 0.02 },
  S16: { drain: 1.15, rejected: 0.22, blind: { rejectedRate: most(0.3) } },
  S17: { drain: 1.5, rejected: 0.3 },
  S18: { drain: 1.05, blind: { rejectedRate: most(0.5) } },
  S19: { drain: 1.4, rejected: 0.015, blind: { overshoot: most(0.25) } },
  S20: {
    drain: 1.1,
    rejected: 0.17,
    blind: { rejectedRate: most(0.4) },
    gossip: { jain: least(0.9) }
  },
  S21: { drain: 1.03, rejected: 0.02, blind: { limitAbovePeak: most(1) } },
  S22: { drain: 1.35, rejected: 0 },
  S23: { drain: 1.1, rejected: 0 },
  S24: { drain: 1.18, rejected: 0 },
  S25: {
    drain: 1.05,
    rejected: 0.03,
    blind: { jain: least(0.7) },
    gossip: { jain: least(0.9), drain: most(1.2) }
  }
}

const figures = (
  scenario: string,
  contender: Target["contender"],
  bounds: Row["blind"] = {}
): ReadonlyArray<Target> =>
  Object.entries(bounds).map(([figure, bound]) => {
    // `Object.entries` forgets which keys the record has.
    return { scenario, contender, figure: figure as Figure, bound }
  })

const blind = ({ drain, rejected, blind }: Row): Row["blind"] => ({
  drain: most(drain),
  ...(rejected === undefined ? {} : { rejected: most(rejected) }),
  ...blind
})

/** The pass targets of every scenario. */
export const targets: ReadonlyArray<Target> = Object.entries(rows).flatMap(([scenario, row]) =>
  figures(scenario, "pace", blind(row)).concat(
    figures(scenario, "pace+hint", row.hinted),
    figures(scenario, "pace+gossip", row.gossip)
  )
)

/** The marks of the whole suite, blind. */
export const suiteTargets = { drain: 1.15, rejected: 0.08, worstDrain: 1.4 } as const

/** Scenarios where replicas are picked at random, so that even full use means rejections. */
export const randomPlacement: ReadonlySet<string> = new Set(["S3", "S17"])

/** The marks of the random scenarios, blind; `dominated` is a share of the cases, by any single peer. */
export const fuzzTargets = {
  drainP50: 1.08,
  drainP90: 1.3,
  drainP99: 2.5,
  rejectedP50: 0.08,
  unfinished: 0,
  dominated: 0.03
} as const

/**
 * What makes it better than every peer: nobody is faster, who is rejected less is much slower, and who is about
 * as fast (`closeDrain` apart) is rejected much more.
 */
export const claims = {
  slowest: 1,
  slowerWhenRejectedLess: 1.18,
  closeDrain: 0.15,
  rejectedMoreWhenClose: 3
} as const

/** The stretch goal, with the hint, without the scenarios whose placement or size forbids it. */
export const stretch = {
  without: new Set(["S3", "S16", "S17", "S18", "S20"]),
  drain: 1.1,
  rejected: 0.02
} as const

/** Under random placement no client can beat a fixed limit by much: this much worse than the best of them. */
export const frontierSlack = 0.15
