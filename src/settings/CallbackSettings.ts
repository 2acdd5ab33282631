import * as Parser from "./Parser.ts"
import { ofWorker, setting } from "./Setting.ts"

/** Where results go, and how. */
export const callbackSettings = {
  callbackTimeout: setting(
    "callback_timeout",
    Parser.duration("1ms"),
    "10s",
    "how long a callback receiver may take to answer",
    ofWorker
  ),
  callbackAllowHosts: setting(
    "callback_allow_hosts",
    Parser.hostRules,
    undefined,
    "the only hosts callbacks may go to; all when it is not set"
  ),
  callbackDenyNetworks: setting(
    "callback_deny_networks",
    Parser.networks,
    // Link-local and what clouds tell their machines secrets by: AWS, Alibaba, Azure, Oracle, AWS and Google (IPv6).
    "169.254.0.0/16,fe80::/10,100.100.100.200,168.63.129.16,192.0.0.192,fd00:ec2::254,fd20:ce::254",
    "addresses no callback is sent to, whatever name leads there",
    ofWorker
  ),
  callbackSigningKeysFile: setting(
    "callback_signing_keys_file",
    Parser.path,
    undefined,
    "keys that callbacks are signed with (Standard Webhooks), one a line, current first; reread when it changes",
    ofWorker
  ),
  maxCallbacksInflight: setting(
    "max_callbacks_inflight",
    Parser.integer(1, 10_000),
    "50",
    "callbacks in flight in this worker, half of them at most to one destination",
    ofWorker
  ),
  callbackRetryAttempts: setting(
    "callback_retry_attempts",
    Parser.integer(0, 999_999),
    "33",
    "retries of a callback after its first attempt",
    ofWorker
  ),
  callbackRetryInitialWait: setting(
    "callback_retry_initial_wait",
    Parser.duration("0s"),
    "5s",
    "wait before the first retry of a callback; it doubles with each one",
    ofWorker
  ),
  callbackRetryMaxWait: setting(
    "callback_retry_max_wait",
    Parser.duration("0s"),
    "1h",
    "longest wait before a retry of a callback",
    ofWorker
  ),
  callbacksMaxBytes: setting(
    "callbacks_max_bytes",
    Parser.integer(0, Number.MAX_SAFE_INTEGER),
    "0",
    "size limit of the stream of callbacks and, when it is made, of the store of large results; 0 for none",
    ofWorker
  ),
  tlsInsecure: setting(
    "tls_insecure",
    Parser.boolean,
    "false",
    "accept any TLS certificate of callback receivers",
    ofWorker
  )
}
