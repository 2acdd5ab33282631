import * as Parser from "./Parser.ts"
import { ofWorker, setting } from "./Setting.ts"

/** How calls are processed. */
export const workerSettings = {
  maxInflight: setting(
    "max_inflight",
    Parser.integer(1, 10_000),
    "50",
    "calls in flight in this worker, over all functions",
    ofWorker
  ),
  scalingMode: setting(
    "scaling_mode",
    Parser.oneOf("function", "static"),
    "function",
    "function: fair between functions, each with a limit of its own; static: one shared consumer, in order of arrival",
    ofWorker
  ),
  limiterEnabled: setting(
    "limiter_enabled",
    Parser.boolean,
    "true",
    "adaptive limit for each function (function mode only); without it the limit is sluice.limit, else max_inflight",
    ofWorker
  ),
  maxCallAge: setting(
    "max_call_age",
    Parser.duration("1s"),
    "6h",
    "from acceptance; an older call that is rejected or fails is not tried again",
    ofWorker
  ),
  ackWait: setting(
    "ack_wait",
    Parser.duration("1s"),
    "60s",
    "how soon another worker gets a call whose worker vanished; no limit for running calls",
    ofWorker
  ),
  maxRetryAttempts: setting(
    "max_retry_attempts",
    Parser.integer(0, 999_999),
    "100",
    "retries of a call after its first attempt",
    ofWorker
  ),
  maxUnfinishedDeliveries: setting(
    "max_unfinished_deliveries",
    Parser.integer(1, 1000),
    "3",
    "how many workers may end while they execute a call, before it is given up",
    ofWorker
  ),
  initialRetryWait: setting(
    "initial_retry_wait",
    Parser.duration("0s"),
    "10s",
    "wait before the first retry; it doubles with each one",
    ofWorker
  ),
  maxRetryWait: setting(
    "max_retry_wait",
    Parser.duration("0s"),
    "120s",
    "longest wait before a retry",
    ofWorker
  ),
  retryHttpCodes: setting(
    "retry_http_codes",
    Parser.statusCodes,
    "408,429,500,502,503,504",
    "answers that are retried",
    ofWorker
  ),
  backoff: setting(
    "backoff",
    Parser.oneOf("exponential", "full", "equal"),
    "exponential",
    "jitter of the waits: none, full or equal",
    ofWorker
  ),
  maxResultBytes: setting(
    "max_result_bytes",
    Parser.integer(1, 1_073_741_824),
    "16777216",
    "largest answer, in bytes, that is delivered to a callback",
    ofWorker
  ),
  consumerInactiveThreshold: setting(
    "consumer_inactive_threshold",
    Parser.duration("1ms"),
    "30s",
    "a function idle this long is no longer served actively",
    ofWorker
  ),
  discoveryInterval: setting(
    "discovery_interval",
    Parser.duration("10ms"),
    "1s",
    "how often the stream is asked which functions have calls waiting",
    ofWorker
  ),
  traceConsumer: setting(
    "trace_consumer",
    Parser.oneOf("child", "link"),
    "child",
    "what a worker does belongs to the caller's trace, or to one of its own with a link to that",
    ofWorker
  )
}
