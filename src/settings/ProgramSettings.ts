import * as Parser from "./Parser.ts"
import { setting } from "./Setting.ts"

/** What every program has. */
export const programSettings = {
  metricsPort: setting(
    "metrics_port",
    Parser.integer(0, 65535),
    "8081",
    "port of /healthz, /readyz and /metrics; 0 takes a free one",
    { fallbackOf: { gateway: "8082" } }
  ),
  shutdownGrace: setting(
    "shutdown_grace",
    Parser.duration("0s"),
    "25s",
    "how long running calls and requests may take to finish on SIGTERM"
  ),
  debug: setting("debug", Parser.boolean, "false", "log each call"),
  logEncoding: setting(
    "log_encoding",
    Parser.oneOf("auto", "console", "json"),
    "auto",
    "auto is console on a terminal and json otherwise"
  )
}
