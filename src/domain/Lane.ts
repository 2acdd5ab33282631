/** The subject of a lane that is the whole stream. */
export const EVERYTHING = ">"

/** One part of a stream that an actor of its own serves: the calls of a function, the callbacks to a destination. */
export interface Lane {
  /** No two lanes of a stream have the same: the key of maps, the label of metrics, the field in logs. */
  readonly key: string
  /** The subject of all its messages: one without wildcards, or `EVERYTHING`. */
  readonly subject: string
  /**
   * The name of its consumer on the stream created at `streamCreated` (RFC 3339). It holds the creation time
   * because sequences start again in a new stream, where a late acknowledgement meant for the old consumer
   * would settle a new message.
   */
  readonly consumerName: (streamCreated: string) => string
  /** how long its deliveries wait for a worker at most, whatever the settings allow, milliseconds */
  readonly longestAckWaitMillis?: number
}

/** How long the server waits for a worker that has a delivery of the lane and is silent, milliseconds. */
export const ackWaitMillis = (lane: Lane, settingMillis: number): number =>
  Math.min(settingMillis, lane.longestAckWaitMillis ?? Number.POSITIVE_INFINITY)
