import type { DeadReason } from "../domain/Verdict.ts"
import { counter, gauge, histogram } from "./MetricDefinition.ts"

const queue = { ofOwnQueue: true } as const
const queueAndFunction = { ofOwnQueue: true, labels: ["function_name"] } as const

const deadReasons: Record<DeadReason, true> = {
  undecodable: true,
  "function-mismatch": true,
  exhausted: true,
  expired: true,
  "unknown-function": true,
  unfinished: true,
  "callback-undeliverable": true
}

/*
 * Every metric, once; the README's table comes from here. Names and labels are a promise: dashboards, alerts
 * and OpenFaaS's autoscaler read them. `function_name` is `name.namespace`. Durations are in seconds.
 */

/** The names of OpenFaaS's queue-worker, then what only Sluice tells. */
export const worker = {
  pendingMessages: gauge(
    "queue_worker_pending_messages",
    "Unfinished calls of the function in the whole queue: waiting, delayed or running anywhere; the same on every worker.",
    queueAndFunction
  ),
  messagesProcessed: counter(
    "queue_worker_messages_processed_total",
    "Calls this worker has finished: done or dead-lettered.",
    queue
  ),
  messagesSubmitted: counter(
    "queue_worker_messages_submitted_total",
    "Calls ever stored in the queue's stream, twice those that were moved from its bare subject; the same on every worker.",
    queue
  ),
  invocationsInFlight: gauge(
    "queue_worker_function_invocation_inflight",
    "HTTP requests of this worker that the function has not answered yet.",
    queueAndFunction
  ),
  workerReconnects: counter(
    "queue_worker_nats_reconnect_total",
    "Times the worker's lost connection to NATS came back."
  ),

  attempts: counter(
    "sluice_attempts_total",
    "HTTP requests to the function by what came back: 2xx, 3xx, 4xx, 5xx, timeout, unreachable or broken.",
    { ofOwnQueue: true, labels: ["function_name", "status"] }
  ),
  execution: histogram("sluice_execution_seconds", "From sending a request to the function's whole answer.", {
    ...queueAndFunction,
    bounds: [0.01, 0.05, 0.25, 1, 5, 30, 120]
  }),
  rejections: counter(
    "sluice_rejections_total",
    "Answers that said the function had no room (429, or 503 that says so).",
    queueAndFunction
  ),
  retries: counter(
    "sluice_retries_total",
    "Calls given back to the queue to be tried again after a delay.",
    queueAndFunction
  ),
  verdicts: counter("sluice_verdicts_total", "What became of deliveries", {
    ofOwnQueue: true,
    labels: ["verdict"],
    known: ["done", "hold", "retry", "dead"]
  }),
  deadLetters: counter("sluice_dead_letters_total", "Calls and callbacks kept as dead letters", {
    ofOwnQueue: true,
    labels: ["reason"],
    known: Object.keys(deadReasons)
  }),
  callbacks: counter("sluice_callbacks_total", "What became of tries to deliver callbacks", {
    ofOwnQueue: true,
    labels: ["outcome"],
    known: ["delivered", "retried", "dead"]
  }),
  callbacksWaiting: gauge(
    "sluice_callbacks_waiting",
    "Callbacks of the queue that are stored and not delivered; the same on every worker.",
    queue
  ),
  queueWait: histogram(
    "sluice_queue_wait_seconds",
    "From acceptance of a call to its first delivery to a worker.",
    { ...queue, bounds: [0.01, 0.1, 1, 10, 60, 600, 3600] }
  ),
  acceptToDone: histogram(
    "sluice_accept_to_done_seconds",
    "From acceptance of a call to its end, retries included; a callback is stored then, a dead letter kept.",
    { ...queue, bounds: [0.05, 0.5, 2, 10, 60, 600, 3600] }
  ),
  redeliveries: counter(
    "sluice_redeliveries_total",
    "Deliveries of calls that had been delivered before: retries, hand-backs, lost workers.",
    queue
  ),
  callsHeld: gauge(
    "sluice_calls_held",
    "Calls this worker keeps for the function until it has room again.",
    queueAndFunction
  ),
  callsDelayed: gauge(
    "sluice_calls_delayed",
    "Calls this worker has given back that wait for their retry.",
    queueAndFunction
  ),
  functionLimit: gauge(
    "sluice_function_limit",
    "Calls of the function this worker may have in flight; 0 while it is closed.",
    queueAndFunction
  ),
  functionPermits: gauge(
    "sluice_function_permits",
    "Permits of the function in use in this worker: asked for, pulled or running.",
    queueAndFunction
  ),
  functionClosed: gauge(
    "sluice_function_closed",
    "1 while calls wait and the function's limit on this worker is 0.",
    queueAndFunction
  ),
  oldestCallAge: gauge(
    "sluice_oldest_call_age_seconds",
    "Age of the function's oldest unfinished call in the queue, 0 when there is none; the same on every worker.",
    queueAndFunction
  ),
  queueCalls: gauge(
    "sluice_queue_calls",
    "Unfinished calls the queue's stream holds; the same on every worker.",
    queue
  ),
  queueCallsLimit: gauge(
    "sluice_queue_calls_limit",
    "Calls at which the queue's stream takes no more; not there when the stream has no limit.",
    queue
  ),
  queueBytes: gauge("sluice_queue_bytes", "Bytes the queue's stream holds; the same on every worker.", queue),
  queueBytesLimit: gauge(
    "sluice_queue_bytes_limit",
    "Bytes at which the queue's stream takes no more calls; not there when the stream has no limit.",
    queue
  ),
  actorsStarted: counter(
    "sluice_actors_started_total",
    "Actors made because a function or a receiver of callbacks had work.",
    queue
  ),
  actorsEnded: counter(
    "sluice_actors_ended_total",
    "Actors that ended, for want of work or with the worker.",
    queue
  ),
  actorsRestarted: counter("sluice_actors_restarted_total", "Actors that died and were started again.", queue)
}

/** The names of OpenFaaS's gateway, then what only Sluice tells. */
export const gateway = {
  invocations: counter(
    "gateway_function_invocation_total",
    "Synchronous calls passed on to the function, by status code; 499 when the caller went away first.",
    { labels: ["function_name", "code"] }
  ),
  invocationSeconds: histogram(
    "gateway_functions_seconds",
    "From a synchronous call to the end of its answer.",
    { labels: ["function_name", "code"], bounds: [0.01, 0.05, 0.25, 1, 5, 30, 120] }
  ),
  invocationsStarted: counter("gateway_function_invocation_started", "Synchronous calls begun.", {
    labels: ["function_name"],
    exposedAsGauge: true
  }),
  gatewayInFlight: gauge("gateway_function_invocation_inflight", "Synchronous calls under way.", {
    labels: ["function_name"]
  }),
  httpRequests: counter(
    "http_requests_total",
    "Requests to the gateway; path is /async-function/, /function/ or other, status 499 when the caller went away first.",
    { labels: ["method", "path", "status"] }
  ),
  httpSeconds: histogram(
    "http_request_duration_seconds",
    "From a request's headers to the end of its answer.",
    { labels: ["method", "path", "status"], bounds: [0.002, 0.01, 0.05, 0.25, 1, 5, 30] }
  ),
  gatewayReconnects: counter(
    "gateway_nats_reconnect_total",
    "Times the gateway's lost connection to NATS came back."
  ),

  callsAccepted: counter("sluice_calls_accepted_total", "Calls stored and answered 202.", {
    labels: ["queue_name", "function_name"]
  }),
  callsRefused: counter(
    "sluice_calls_refused_total",
    "Asynchronous calls refused, by the kind of problem they were answered with.",
    { labels: ["reason"] }
  ),
  publishSeconds: histogram(
    "sluice_publish_seconds",
    "From publishing a call to JetStream's confirmation or failure.",
    { labels: ["queue_name"], bounds: [0.001, 0.0025, 0.005, 0.02, 0.1, 0.5, 2] }
  )
}

/** Of both. */
export const process = {
  eventLoopDelay: gauge(
    "sluice_event_loop_delay_seconds",
    "How late the event loop was: 99th percentile of ten seconds, the last full ones or those that are passing, whichever is larger."
  ),
  buildInfo: gauge("sluice_build_info", "1; the version of the program is the label.", {
    labels: ["version"]
  })
}

export const table = { ...worker, ...gateway, ...process }
