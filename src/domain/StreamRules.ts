import * as LegacyLane from "./LegacyLane.ts"

/**
 * What the stream of a queue must look like so that no accepted call is lost, and what merely differs.
 * Names follow JetStream's configuration.
 */
export interface StreamSettings {
  readonly name: string
  readonly subjects: ReadonlyArray<string>
  readonly retention: string
  readonly discard: string
  readonly storage: string
  readonly num_replicas: number
  /** nanoseconds, 0 for unlimited; the limits below: -1 for unlimited */
  readonly max_age: number
  readonly max_msgs: number
  readonly max_bytes: number
  readonly max_msgs_per_subject: number
  readonly discard_new_per_subject: boolean
  readonly no_ack: boolean
  /** nanoseconds for which message ids are remembered; the server's two minutes when it is left out */
  readonly duplicate_window?: number
}

export const queueStreamName = (queue: string): string => `OF_${queue}`

/** The most that a stream takes; 0 for as much as there is room for. */
interface StreamLimits {
  readonly maxMessages: number
  readonly maxBytes: number
}

export interface Keeping {
  readonly storage: "file" | "memory"
  readonly replicas: number
  /** an existing stream gets them too */
  readonly limits?: StreamLimits
}

/** The stream of a queue as we make it. */
export const queueStream = (queue: string, { limits, replicas, storage }: Keeping): StreamSettings => ({
  name: queueStreamName(queue),
  subjects: [queue, `${queue}.>`],
  retention: "workqueue",
  // Discard old would drop accepted calls when a limit is reached; discard new refuses the publish.
  discard: "new",
  storage,
  num_replicas: replicas,
  max_age: 0,
  max_msgs: limits?.maxMessages || -1,
  max_bytes: limits?.maxBytes || -1,
  max_msgs_per_subject: -1,
  discard_new_per_subject: false,
  no_ack: false
})

/** What names and subjects of a queue's callbacks begin with: they are a queue of their own. */
export const callbacksQueue = (queue: string): string => `${queue}_callbacks`

/** The stream of a queue's callbacks as we make it. */
export const callbacksStream = (
  queue: string,
  options: Keeping & {
    /** how long after its first storing a callback may be stored once more, milliseconds */
    readonly duplicateWindowMillis: number
  }
): StreamSettings => ({
  ...queueStream(callbacksQueue(queue), options),
  subjects: [`${callbacksQueue(queue)}.>`],
  duplicate_window: options.duplicateWindowMillis * 1e6
})

interface Findings {
  /** differences that lose calls: the program must not start */
  readonly fatal: ReadonlyArray<string>
  /** differences that an operator may want */
  readonly warnings: ReadonlyArray<string>
}

/** What the stream of calls needs at least: a worker died with a call, and the next one has it, which may wait too. */
const LEAST_DUPLICATE_WINDOW = 2 * LegacyLane.LONGEST_ACK_WAIT_MILLIS * 1e6

const limited = (limit: number): boolean => limit > 0

/** Holds an existing stream against the one we would make. */
export const check = (existing: StreamSettings, wanted: StreamSettings): Findings => {
  const fatal: Array<string> = []
  const warnings: Array<string> = []
  if (existing.retention !== wanted.retention) {
    fatal.push(
      `retention is "${existing.retention}", must be "${wanted.retention}": finished calls would stay or waiting ones go`
    )
  }
  const missing = wanted.subjects.filter((subject) => !existing.subjects.includes(subject))
  if (missing.length > 0) {
    fatal.push(`subjects are [${existing.subjects.join(", ")}], must contain [${missing.join(", ")}]`)
  }
  if (limited(existing.max_age)) {
    fatal.push(`max_age is ${existing.max_age / 1e9}s, must be unlimited: older calls would be dropped`)
  }
  if (existing.no_ack) fatal.push("no_ack is on, must be off: nobody would know whether a call was stored")
  const limits = (["max_msgs", "max_bytes", "max_msgs_per_subject"] as const).filter((key) =>
    limited(existing[key])
  )
  if (existing.discard !== "new" && limits.length > 0) {
    fatal.push(
      `discard is "${existing.discard}" with ${limits.join(" and ")} set, must be "new": accepted calls would be dropped when the stream is full`
    )
  } else if (limited(existing.max_msgs_per_subject) && !existing.discard_new_per_subject) {
    // Discard new alone is about the whole stream: a full subject still drops its oldest message.
    fatal.push(
      `max_msgs_per_subject is ${existing.max_msgs_per_subject} without discard_new_per_subject, must have it or be unlimited: accepted calls of a function with more would be dropped`
    )
  } else {
    for (const key of ["max_msgs", "max_bytes", "max_msgs_per_subject"] as const) {
      if (!limited(existing[key]) || limited(wanted[key])) continue
      warnings.push(`${key} is ${existing[key]}, ours is unlimited: calls beyond it are refused`)
    }
    if (existing.discard !== wanted.discard) {
      warnings.push(`discard is "${existing.discard}", ours is "${wanted.discard}"`)
    }
  }
  for (const key of ["storage", "num_replicas"] as const) {
    if (existing[key] !== wanted[key])
      warnings.push(`${key} is ${existing[key]}, the settings say ${wanted[key]}`)
  }
  const window = wanted.duplicate_window ?? LEAST_DUPLICATE_WINDOW
  if (existing.duplicate_window !== undefined && existing.duplicate_window < window) {
    warnings.push(
      `duplicate_window is ${existing.duplicate_window / 1e9}s, should be ${window / 1e9}s or more: what a worker stores and dies over may be stored twice`
    )
  }
  return { fatal, warnings }
}

/** The limits of an existing stream that the settings want otherwise; one that they do not name stays. */
export const limitChanges = (
  existing: StreamSettings,
  wanted: StreamSettings
): Partial<Pick<StreamSettings, "max_msgs" | "max_bytes">> => ({
  ...(limited(wanted.max_msgs) && wanted.max_msgs !== existing.max_msgs ? { max_msgs: wanted.max_msgs } : {}),
  ...(limited(wanted.max_bytes) && wanted.max_bytes !== existing.max_bytes
    ? { max_bytes: wanted.max_bytes }
    : {})
})
