import type { Limiter } from "../../src/domain/limiter/Limiter.ts"

/** It limits a rate; this many calls at most are in flight. */
const most = 100
const scale = 0.4
const beta = 0.7
const smoothing = 0.8
const bucketSeconds = 0.5
const leastRate = 0.5
/** A token may fall short by this when its time has come. */
const rounding = 1e-9

interface Aws {
  /** Calls a second; `undefined` before the first throttling: no limit. */
  readonly rate: number | undefined
  readonly tokens: number
  readonly filledAt: number
  readonly measured: number
  readonly bucket: number
  readonly count: number
  readonly rateBefore: number
  readonly throttledAt: number
}

const fill = (aws: Aws, now: number): number =>
  aws.rate === undefined
    ? most
    : Math.min(Math.max(1, aws.rate), aws.tokens + (now - aws.filledAt) * aws.rate)

/** Counts an answer; the rate is that of the half seconds that are over. */
const measure = (aws: Aws, now: number): Aws => {
  const bucket = Math.floor(now / bucketSeconds) * bucketSeconds
  const count = aws.count + 1
  if (bucket <= aws.bucket) return { ...aws, count }
  const measured = (count / (bucket - aws.bucket)) * smoothing + aws.measured * (1 - smoothing)
  return { ...aws, measured, bucket, count: 0 }
}

const cubic = ({ rateBefore, throttledAt }: Aws, now: number): number =>
  scale * (now - throttledAt - Math.cbrt((rateBefore * (1 - beta)) / scale)) ** 3 + rateBefore

const setRate = (aws: Aws, wanted: number, now: number): Aws => {
  const rate = Math.max(leastRate, Math.min(wanted, 2 * aws.measured))
  const tokens = Math.min(fill(aws, now), Math.max(1, rate))
  return { ...aws, rate, tokens, filledAt: now }
}

const answered = (before: Aws, isThrottled: boolean, now: number): Aws => {
  const aws = measure(before, now)
  if (isThrottled) {
    const rateBefore = Math.min(aws.measured, aws.rate ?? aws.measured)
    return setRate({ ...aws, rateBefore, throttledAt: now }, rateBefore * beta, now)
  }
  return aws.rate === undefined ? aws : setRate(aws, cubic(aws, now), now)
}

/**
 * The adaptive retry mode of the AWS SDKs: a token bucket whose rate follows CUBIC, without any limit before
 * the first throttling.
 */
export const awsAdaptive: Limiter<Aws> = {
  name: "AWS adaptive",
  initial: (now) => ({
    rate: undefined,
    tokens: 0,
    filledAt: now,
    measured: 0,
    bucket: Math.floor(now),
    count: 0,
    rateBefore: 0,
    throttledAt: now
  }),
  step: (aws, event, now) => {
    if (event._tag === "Dispatched") {
      return aws.rate === undefined ? aws : { ...aws, tokens: fill(aws, now) - 1, filledAt: now }
    }
    if (event._tag === "Answered") return answered(aws, event.kind === "rejected", now)
    return { ...aws, tokens: fill(aws, now), filledAt: now }
  },
  room: (aws, now, { inFlight }) =>
    Math.max(0, Math.min(most - inFlight, Math.floor(fill(aws, now) + rounding))),
  limit: () => most,
  wakeAt: (aws) => {
    if (aws.rate === undefined || aws.tokens >= 1 - rounding) return Number.POSITIVE_INFINITY
    return aws.filledAt + (1 - aws.tokens) / aws.rate
  }
}
