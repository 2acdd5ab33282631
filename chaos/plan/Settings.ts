import { tmpdir } from "node:os"
import { join } from "node:path"

/** The times of the runs, milliseconds: short, so that a run is. */
export const ACK_WAIT = 4_000
export const UPSTREAM_TIMEOUT = 2_000

/** Statuses that are retried: Sluice's default. */
export const RETRIED = new Set([408, 429, 500, 502, 503, 504])
/** What the worker is told is the most a call may take it down. */
export const MAX_UNFINISHED = 3

const seconds = (millis: number) => `${millis / 1000}s`

/** Settings of gateways and workers, by the names of their environment variables. */
export const environment = (
  natsUrl: string,
  functionsFile: string,
  replicas: number,
  limiterEnabled: boolean
): Readonly<Record<string, string>> => ({
  NATS_URL: natsUrl,
  functions_file: functionsFile,
  nats_stream_replicas: String(replicas),
  limiter_enabled: String(limiterEnabled),
  ack_wait: seconds(ACK_WAIT),
  upstream_timeout: seconds(UPSTREAM_TIMEOUT),
  publish_timeout: "2s",
  initial_retry_wait: "50ms",
  max_retry_wait: "400ms",
  callback_retry_initial_wait: "200ms",
  callback_retry_max_wait: "1s",
  discovery_interval: "200ms",
  shutdown_grace: "5s",
  max_inflight: "40",
  log_encoding: "json",
  port: "0",
  metrics_port: "0",
  // Half of what a start costs is reading TypeScript.
  NODE_COMPILE_CACHE: join(tmpdir(), "sluice-chaos-compile-cache")
})
