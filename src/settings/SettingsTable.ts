import * as Parser from "./Parser.ts"

/** The programs that read settings. */
export type Program = "start" | "gateway" | "worker"

/** One setting. `A` is its value; one without a default may be left out. */
export interface Setting<A, Fallback extends string | undefined = string | undefined> {
  /** The environment variable, spelled as OpenFaaS does. */
  readonly name: string
  readonly parser: Parser.Parser<A>
  /** What is assumed when neither flag nor variable is given, as text. */
  readonly fallback: Fallback
  /** Programs whose default is another one. */
  readonly fallbackOf?: Partial<Readonly<Record<Program, string>>>
  readonly doc: string
  readonly programs: ReadonlyArray<Program>
  /** The value may carry credentials: they are hidden wherever it is printed. */
  readonly secret: boolean
}

type Details = Partial<Pick<Setting<unknown>, "programs" | "fallbackOf" | "secret">>

const ofGateway: Details = { programs: ["start", "gateway"] }
const ofWorker: Details = { programs: ["start", "worker"] }
const secret: Details = { secret: true }

function setting<A, Fallback extends string | undefined>(
  name: string,
  parser: Parser.Parser<A>,
  fallback: Fallback,
  doc: string,
  details: Details = {}
): Setting<A, Fallback> {
  return { name, parser, fallback, doc, programs: ["start", "gateway", "worker"], secret: false, ...details }
}

const {
  boolean,
  duration,
  functionUrl,
  gatewayUrl,
  host,
  integer,
  matching,
  natsUrl,
  oneOf,
  path,
  queueName,
  replicas,
  statusCodes
} = Parser

/** Every setting, once: flags, environment, help texts, `sluice config` and the README come from here. */
export const table = {
  natsUrl: setting("NATS_URL", natsUrl, undefined, "NATS servers; wins over nats_host and nats_port", secret),
  natsHost: setting(
    "nats_host",
    host,
    undefined,
    "NATS host; without it and NATS_URL, start runs its own server and the others use 127.0.0.1",
    secret
  ),
  natsPort: setting("nats_port", integer(1, 65535), "4222", "NATS port, used with nats_host"),
  natsStreamReplicas: setting(
    "nats_stream_replicas",
    replicas,
    "1",
    "servers that keep a copy of the streams Sluice creates"
  ),
  queueName: setting("queue_name", queueName, "faas-request", "the queue: its stream is OF_<queue_name>"),
  subjectTemplate: setting(
    "subject_template",
    matching("template", "{queue}.{function}.{namespace} or another order", /^\S+$/),
    "{queue}.{function}.{namespace}",
    "subject of a call, for producers with another convention"
  ),
  functionsFile: setting(
    "functions_file",
    path,
    undefined,
    "YAML file of functions and their URLs; wins over function_url and gateway_url"
  ),
  functionUrl: setting(
    "function_url",
    functionUrl,
    undefined,
    "URL of a function, such as http://{name}.{namespace}:8080; wins over gateway_url",
    secret
  ),
  gatewayUrl: setting(
    "gateway_url",
    gatewayUrl,
    undefined,
    "OpenFaaS gateway through which functions are called",
    secret
  ),
  defaultNamespace: setting(
    "default_namespace",
    matching("name", "1 to 63 of a-z, A-Z, 0-9, - and _", /^[\w-]{1,63}$/),
    "openfaas-fn",
    "namespace of a function whose name has none"
  ),
  secretMountPath: setting(
    "secret_mount_path",
    path,
    "/var/secrets",
    "directory of basic-auth-user and basic-auth-password for gateway_url"
  ),
  upstreamTimeout: setting(
    "upstream_timeout",
    duration("1ms"),
    "1m",
    "how long a function may take to answer"
  ),
  maxInflight: setting(
    "max_inflight",
    integer(1, 10_000),
    "50",
    "calls in flight in this worker, over all functions",
    ofWorker
  ),
  scalingMode: setting(
    "scaling_mode",
    Parser.scalingMode,
    "function",
    "one consumer for each active function",
    ofWorker
  ),
  limiterEnabled: setting(
    "limiter_enabled",
    boolean,
    "true",
    "adaptive limit for each function; without it the limit is sluice.limit, else max_inflight",
    ofWorker
  ),
  maxCallAge: setting(
    "max_call_age",
    duration("1s"),
    "6h",
    "from acceptance; an older call that is rejected or fails is not tried again",
    ofWorker
  ),
  ackWait: setting(
    "ack_wait",
    duration("1s"),
    "60s",
    "how soon another worker gets a call whose worker vanished; no limit for running calls",
    ofWorker
  ),
  maxRetryAttempts: setting(
    "max_retry_attempts",
    integer(0, 999_999),
    "100",
    "retries of a call after its first attempt",
    ofWorker
  ),
  initialRetryWait: setting(
    "initial_retry_wait",
    duration("0s"),
    "10s",
    "wait before the first retry; it doubles with each one",
    ofWorker
  ),
  maxRetryWait: setting("max_retry_wait", duration("0s"), "120s", "longest wait before a retry", ofWorker),
  retryHttpCodes: setting(
    "retry_http_codes",
    statusCodes,
    "408,429,500,502,503,504",
    "answers that are retried",
    ofWorker
  ),
  backoff: setting(
    "backoff",
    oneOf("exponential", "full", "equal"),
    "exponential",
    "jitter of the waits: none, full or equal",
    ofWorker
  ),
  maxResultBytes: setting(
    "max_result_bytes",
    integer(1, 1_073_741_824),
    "16777216",
    "largest answer, in bytes, that is delivered to a callback",
    ofWorker
  ),
  tlsInsecure: setting(
    "tls_insecure",
    boolean,
    "false",
    "accept any TLS certificate of callback receivers",
    ofWorker
  ),
  consumerInactiveThreshold: setting(
    "consumer_inactive_threshold",
    duration("1ms"),
    "30s",
    "a function idle this long is no longer served actively",
    ofWorker
  ),
  discoveryInterval: setting(
    "discovery_interval",
    duration("10ms"),
    "1s",
    "how often the stream is asked which functions have calls waiting",
    ofWorker
  ),
  publishTimeout: setting(
    "publish_timeout",
    duration("1ms"),
    "5s",
    "how long storing an accepted call may take",
    ofGateway
  ),
  port: setting("port", integer(0, 65535), "8080", "port of the HTTP gateway; 0 takes a free one", ofGateway),
  metricsPort: setting(
    "metrics_port",
    integer(0, 65535),
    "8081",
    "port of /healthz, /readyz and /metrics; 0 takes a free one",
    { fallbackOf: { gateway: "8082" } }
  ),
  traceConsumer: setting(
    "trace_consumer",
    oneOf("child", "link"),
    "child",
    "what a worker does belongs to the caller's trace, or to one of its own with a link to that",
    ofWorker
  ),
  shutdownGrace: setting(
    "shutdown_grace",
    duration("0s"),
    "25s",
    "how long running calls and requests may take to finish on SIGTERM"
  ),
  debug: setting("debug", boolean, "false", "log each call"),
  logEncoding: setting(
    "log_encoding",
    oneOf("auto", "console", "json"),
    "auto",
    "auto is console on a terminal and json otherwise"
  )
}

type Table = typeof table

/** The value of every setting, by its key in the table; durations are in milliseconds. */
export type Values = {
  readonly [Key in keyof Table]: Table[Key] extends Setting<infer A, infer Fallback>
    ? A | (undefined extends Fallback ? undefined : never)
    : never
}

/** The settings a program reads, in the order of the table. */
export function settingsOf(program: Program): ReadonlyArray<readonly [string, Setting<unknown>]> {
  return Object.entries<Setting<unknown>>(table).filter(([, setting]) => setting.programs.includes(program))
}

/** The flag of a setting: `--max-inflight` for `max_inflight`, without the dashes in front. */
export function flagName(setting: Setting<unknown>): string {
  return setting.name.toLowerCase().replaceAll("_", "-")
}

/** The text a setting has for a program when nobody gives one. */
export function fallbackFor(setting: Setting<unknown>, program: Program): string | undefined {
  return setting.fallbackOf?.[program] ?? setting.fallback
}
