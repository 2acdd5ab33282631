import { type Random, sourceFor } from "../../eval/simulation/Random.ts"
import { type CalledFunction, calledFunctions, type Step } from "./CalledFunction.ts"
import { describe, type FaultKind, kinds } from "./FaultKind.ts"

export interface PlannedCall {
  readonly id: string
  readonly fn: string
  readonly callback: boolean
  /** how the first attempts fail; after them it succeeds */
  readonly script: ReadonlyArray<Step>
  /** the script begins anew for ever */
  readonly hopeless: boolean
  readonly workMillis: number
  /** the receiver answers 503 to the first post of its callback */
  readonly callbackRefused: boolean
}

export interface PlannedFault {
  readonly kind: FaultKind
  /** milliseconds after the first post */
  readonly at: number
  /** milliseconds, for kinds that last */
  readonly length: number
  /** which of the programs that can be meant, in [0, 1) */
  readonly target: number
}

/** Everything about a run that is decided before it starts. */
export interface Plan {
  readonly seed: number
  readonly topology: "single" | "cluster"
  /** where there are several versions of nats-server, which one: an index modulo their number */
  readonly version: number
  /** the server writes through to the disk (`sync_interval: always`) */
  readonly syncAlways: boolean
  readonly limiterEnabled: boolean
  readonly workers: number
  readonly gateways: number
  /** those that are posted while the faults happen, and those after */
  readonly calls: { readonly stormy: ReadonlyArray<PlannedCall>; readonly calm: ReadonlyArray<PlannedCall> }
  /** by time */
  readonly faults: ReadonlyArray<PlannedFault>
}

/** Milliseconds over which calls are posted while faults happen. */
export const STORM = 4_500

const CLUSTER_EACH = 5
const SYNC_ALWAYS_EACH = 3
const STORMY_SHARE = 0.75
const CALLBACK_SHARE = 0.4
const CALLBACK_REFUSED_SHARE = 0.05
/** In turn, so that a few seeds meet every kind, and by chance, so that kinds meet each other. */
const FAULTS_IN_TURN = 3
const FAULTS_BY_CHANCE = 2

/** The run of a seed; `allowed` narrows the kinds of faults. The same arguments give the same plan. */
export const plan = (seed: number, calls: number, allowed: ReadonlyArray<FaultKind> = kinds): Plan => {
  const topology = seed % CLUSTER_EACH === 0 ? "cluster" : "single"
  const random = sourceFor("plan", seed)
  const all = Array.from({ length: calls }, (_, index) => call(seed, index, random))
  const stormy = Math.ceil(calls * STORMY_SHARE)
  return {
    seed,
    topology,
    version: seed,
    syncAlways: seed % SYNC_ALWAYS_EACH === 0,
    limiterEnabled: seed % 2 === 0,
    workers: topology === "cluster" ? 2 : 3,
    gateways: 2,
    calls: { stormy: all.slice(0, stormy), calm: all.slice(stormy) },
    faults: faults(seed, topology, allowed, sourceFor("faults", seed))
  }
}

const call = (seed: number, index: number, random: Random): PlannedCall => {
  const fn = drawFunction(random())
  const [from, to] = fn.work
  return {
    id: `chaos-${seed}-${index}`,
    fn: fn.name,
    callback: random() < CALLBACK_SHARE,
    script: script(fn, random),
    hopeless: fn.name === "broken",
    workMillis: Math.round(from + (to - from) * random()),
    callbackRefused: random() < CALLBACK_REFUSED_SHARE
  }
}

const drawFunction = (at: number): CalledFunction => {
  let sum = 0
  for (const fn of calledFunctions) {
    sum += fn.share
    if (at < sum) return fn
  }
  return calledFunctions[0] as CalledFunction
}

type Odds = ReadonlyArray<readonly [Step, number]>

/** A hanging attempt costs seconds, and so does a Retry-After. */
const failures: Odds = [
  ["500", 0.5],
  ["reset", 0.23],
  ["half", 0.23],
  ["hang", 0.04]
]
const rejections: Odds = [
  ["429", 0.85],
  ["503 Retry-After", 0.15]
]

const script = (fn: CalledFunction, random: Random): ReadonlyArray<Step> => {
  if (fn.name === "broken") return ["500"]
  if (fn.name === "flaky") return draw(failures, Math.floor(random() * 4), random)
  if (fn.name === "picky") return draw(rejections, Math.floor(random() * 3), random)
  return []
}

const draw = (odds: Odds, count: number, random: Random): ReadonlyArray<Step> =>
  Array.from({ length: count }, () => {
    let at = random()
    return odds.find(([, share]) => (at -= share) < 0)?.[0] ?? "500"
  })

const FIRST_FAULT = 300
const LAST_FAULT = STORM - 800

const faults = (
  seed: number,
  topology: Plan["topology"],
  allowed: ReadonlyArray<FaultKind>,
  random: Random
): ReadonlyArray<PlannedFault> => {
  const possible = allowed.filter((kind) => [topology, "any"].includes(describe(kind).topology))
  if (possible.length === 0) return []
  const pick = (at: number): FaultKind => possible[Math.floor(at) % possible.length] as FaultKind
  // Runs of the same topology count on from each other through the list.
  const turn = topology === "cluster" ? seed / CLUSTER_EACH : seed - Math.floor(seed / CLUSTER_EACH)
  const ofCluster = possible.filter((kind) => describe(kind).topology === "cluster")
  const drawn =
    topology === "cluster" && ofCluster.length > 0
      ? [ofCluster[turn % ofCluster.length] as FaultKind, pick(turn), pick(random() * possible.length)]
      : [
          ...Array.from({ length: FAULTS_IN_TURN }, (_, index) => pick(turn * FAULTS_IN_TURN + index)),
          ...Array.from({ length: FAULTS_BY_CHANCE }, () => pick(random() * possible.length))
        ]
  return drawn
    .map((kind) => ({
      kind,
      at: Math.round(FIRST_FAULT + (LAST_FAULT - FIRST_FAULT) * random()),
      length: length(kind, random()),
      target: random()
    }))
    .toSorted((a, b) => a.at - b.at)
}

/** Milliseconds that a fault of this kind lasts. */
const length = (kind: FaultKind, random: number): number => {
  const between = (from: number, to: number) => Math.round(from + (to - from) * random)
  switch (kind) {
    case "worker-stopped":
      return between(4_500, 6_000)
    case "delivery-delayed":
      return between(4_500, 5_500)
    case "server-stopped":
      return between(1_000, 5_000)
    case "node-partitioned":
    case "leader-killed":
      return between(1_000, 3_000)
    case "receiver-down":
      return between(300, 1_000)
    default:
      return between(100, 1_000)
  }
}
