/**
 * Never more calls in flight than this, whatever the function takes; the worker's slots are the usual cap.
 */
export const MAX_LIMIT = 1000

// How long silence must last to mean "admitted".

/**
 * Seconds, before any 429 was seen: a gateway answers a surplus call in milliseconds, a bad day takes 0.1.
 */
export const SENSE_UNKNOWN = 0.1
/** Silence of this many mean 429 latencies, and a bit: 429s scatter. */
export const SENSE_FACTOR = 3
export const SENSE_SLACK = 0.01
/** Seconds. Below, the scheduling of the worker itself would be mistaken for silence. */
export const SENSE_MIN = 0.02
/** Seconds. Above, waiting for silence is no faster than waiting for results. */
export const SENSE_MAX = 2
/** Seconds: 429s slower than this come no sooner than results, so results are what growth is judged by. */
export const SILENCE_MAX = 0.7
/** Weight of a new 429 latency in their mean. */
export const REJECT_LATENCY_WEIGHT = 0.2

// How fast to grow.

/**
 * Calls in flight that silence alone may reach while the function has never said 429: it may not know how.
 */
export const START_PACED = 16
/** A round adds at most this part of the confirmed concurrency: what a failed round costs. */
export const RAMP_MOST = 0.25
/**
 * Seconds in which a ramp about doubles, where 429s are fast enough for that: small rounds overshoot less.
 */
export const RAMP_TIME = 0.5
/** The same on the way back to a level that was there a moment ago. */
export const RETURN_TIME = 0.1
/** The part a round adds before the first 429, where doubling quickly costs little because little runs. */
export const RAMP_START = 0.5

// When to probe.

/** Seconds between probes at full use. Sooner wastes probes, later leaves new capacity idle. */
export const PROBE_MIN = 1.5
export const PROBE_MAX = 8
/** Probes thin out with the time since capacity last changed: the next one comes after this part of it. */
export const PROBE_SPREAD = 0.35
/**
 * Seconds by which capacity is taken to be older than the limiter: it was there before, so probes begin thin.
 */
export const START_AGE = 8
/** Every interval is stretched or shortened by up to this part, so that workers do not probe together. */
export const JITTER = 0.15

// What failed probes may cost.

/** In the long run one attempt in fifty may be rejected: what a rejected probe costs. */
export const SUCCESSES_PER_REJECTION = 49
/** Rejections allowed at once, for a start or a change of capacity. */
export const BUDGET_BURST = 12

// After a rejection that no probe explains.

/** Calls that leave between two rejections, at most, for both to show the same loss. */
export const ALONE = 3
/** Seconds between single calls while capacity is gone: as long as it has been gone, within these. */
export const LOSS_MIN = 0.3
export const LOSS_MAX = 2.5
/** Seconds: the longest that a Retry-After is believed. */
export const PAUSE_MAX = 60
/** Refused connections in a row that count as a loss of capacity. */
export const UNREACHABLE_IN_A_ROW = 3

// Functions that never say 429: growth by throughput.

/** Calls that make a sample, at least; as many as may be in flight, if that is more. */
export const SAMPLE_MIN = 30
/** Calls that a mean of samples counts for, at most, so that it can still follow. */
export const SAMPLE_POOL = 100
/** A sample is taken when this part of its calls came back. */
export const SAMPLE_DONE = 0.75
/** A sample is given up when calls come back that left so many samples later. */
export const SAMPLE_PASSED = 4
/** With less of the limit in use than this, a sample says nothing about the limit. */
export const SAMPLE_USE = 0.8
/** Growth is kept when throughput rose by at least this part of what was added. */
export const GAIN_ACCEPTED = 0.35
/** With this much gain the next step doubles; otherwise it adds half. */
export const GAIN_GOOD = 0.6
export const STEP_GOOD = 2
export const STEP_CAREFUL = 1.5
/** How much latencies differ from call to call, as a part of their mean: what chance may do to a sample. */
export const LATENCY_SPREAD = 0.8
/** Seconds without trying to grow after growth brought nothing; doubles each time. */
export const HOLD_MIN = 5
export const HOLD_MAX = 60
/** Seconds without trying to grow after capacity was lost. */
export const HOLD_LOST = 3
/** Calls of a sample that show a change of capacity when it is large. */
export const SLOWER_EVIDENCE = 10
/** Latency at an unchanged limit that means the function lost capacity, as a multiple. */
export const SLOWER = 2

// Overload without 429s.

/** What is kept of the calls in flight. */
export const CUT = 0.7

/** More timeouts than this among the latest answers mean overload. */
export const TIMEOUT_SHARE = 0.2
/** Answers that are looked at, or as many as may be in flight. */
export const TIMEOUT_WINDOW = 20
/** Fewer answers than this prove nothing. */
export const TIMEOUT_EVIDENCE = 10

// An autoscaler's pace.

/** Growth within this many seconds of the last is the same growth. */
export const SAME_GROWTH = 0.5
/** Weight of a new gap in the mean gap. */
export const GAP_WEIGHT = 0.5
/** Part of the gap after a growth in which no probe is sent. */
export const GAP_QUIET = 0.6

// Hints.

/** Seconds after a hint in which probes are as frequent as without. */
export const HINT_FRESH = 2
/** Seconds after the last hint in which the next is expected. */
export const HINT_HOLDS = 60
/** How much rarer probes are meanwhile. */
export const HINT_STRETCH = 3

// Replicas picked at random.

/** Weight of a new observation. */
export const SPURIOUS_WEIGHT = 0.4
/** Losses that turned out to be none: more than this part of the latest, which takes two in a row. */
export const SPURIOUS_ENOUGH = 0.5
/** Seconds in which a loss turns out to be none. */
export const SPURIOUS_WITHIN = 2.5
/** Calls between two rejections that mean nothing. */
export const FULL_DISTANCE = 60
/** The share of calls that may be rejected: more would bring little, less would leave replicas idle. */
export const TOLERATED = 0.3
/** What one rejection takes, as a part of the limit, and at least one call. */
export const TOLERANCE_GAIN = 0.01
/** Rejections in a row that are no chance any more. */
export const TOLERANCE_IN_A_ROW = 10
/** Seconds between experiments, the limit during one as a part of the usual, and the calls it takes. */
export const EXPERIMENT_EVERY = 20
export const EXPERIMENT_CUT = 0.93
export const EXPERIMENT_CALLS = 40
/** Fewer rejections than this part of the usual show that nothing is picked at random. */
export const EXPERIMENT_POOLED = 0.3

// Workers that hear of each other.

/** Seconds after which what a worker said is no longer true. */
export const NEWS_HOLDS = 3
/** A worker that uses this part of its limit wants more. */
export const WANTS_USE = 0.8
/** More than this, as a multiple of the mean, is too much. */
export const SHARE_SLACK = 1.2
/** The part of the surplus given back at a time, and seconds between two times. */
export const GIVE_PART = 0.34
export const GIVE_EVERY = 1
/** Seconds for which a gift is told of. */
export const GIFT_HOLDS = 8
/** Seconds between two looks for what the others give back. */
export const ASK_EVERY = 1

// Workers that do not hear of each other.

/** The part of the limit that is left to others, and for how many seconds. */
export const YIELD_PART = 0.2
export const YIELD_FOR = 1
/** Seconds between two times. */
export const YIELD_APART = 6
/** Seconds: with slower 429s, taking it back would cost more than the others gain. */
export const YIELD_SENSE = 0.25
/** A smaller limit is no reason to yield. */
export const YIELD_FROM = 5
/** Seconds, or gaps between growths, without growth that suggest others. */
export const YIELD_STILL = 8
export const YIELD_GAPS = 3
/** Seconds for which a rejection that no probe explains suggests others. */
export const EVIDENCE_HOLDS = 60
