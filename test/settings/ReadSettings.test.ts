import { Result } from "effect"
import { describe, expect, it } from "vitest"
import { read } from "../../src/settings/ReadSettings.ts"
import type { Effective, Sources } from "../../src/settings/ReadSettings.ts"
import type { Program } from "../../src/settings/Setting.ts"

const source = { gateway_url: "http://gateway:8080" }

function effective(
  environment: Sources["environment"],
  flags: Sources["flags"] = {},
  program: Program = "start"
) {
  return Result.getOrThrow(read(program, { flags, environment: { ...source, ...environment } })) as Effective
}

function mistakes(
  environment: Sources["environment"],
  flags: Sources["flags"] = {},
  program: Program = "start"
) {
  const outcome = read(program, { flags, environment: { ...source, ...environment } })
  return Result.isFailure(outcome) ? outcome.failure : []
}

describe("defaults", () => {
  it("are those of OpenFaaS's main chart, parsed", () => {
    const { settings } = effective({})
    const { subjects, ...values } = settings
    expect(values).toEqual({
      natsUrl: "nats://127.0.0.1:4222",
      natsGiven: false,
      natsAccess: {},
      natsStreamReplicas: 1,
      queueName: "faas-request",
      functionsFile: undefined,
      functionUrl: undefined,
      gatewayUrl: "http://gateway:8080",
      defaultNamespace: "openfaas-fn",
      secretMountPath: "/var/secrets",
      upstreamTimeout: 60_000,
      maxInflight: 50,
      maxQueueMessages: 0,
      maxQueueBytes: 0,
      maxAcceptingBytes: 67_108_864,
      scalingMode: "function",
      limiterEnabled: true,
      maxCallAge: 21_600_000,
      ackWait: 60_000,
      retryPolicy: {
        maxAttempts: 100,
        initialWait: 10_000,
        maxWait: 120_000,
        codes: new Set([408, 429, 500, 502, 503, 504]),
        backoff: "exponential"
      },
      maxCallbacksInflight: 50,
      callbackRetryPolicy: {
        maxAttempts: 33,
        initialWait: 5_000,
        maxWait: 3_600_000,
        codes: new Set(),
        backoff: "exponential"
      },
      callbacksMaxBytes: 0,
      maxUnfinishedDeliveries: 3,
      maxResultBytes: 16_777_216,
      callbackTimeout: 10_000,
      callbackAllowHosts: undefined,
      callbackDenyNetworks: [
        "169.254.0.0/16",
        "fe80::/10",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254"
      ],
      callbackSigningKeysFile: undefined,
      deadLetterMaxAge: 30 * 86_400_000,
      deadLetterMaxBytes: 256 * 1024 ** 2,
      tlsInsecure: false,
      traceConsumer: "child",
      consumerInactiveThreshold: 30_000,
      discoveryInterval: 1_000,
      publishTimeout: 5_000,
      port: 8080,
      metricsPort: 8081,
      shutdownGrace: 25_000,
      debug: false,
      logEncoding: "auto"
    })
    expect(subjects.subject({ name: "env", namespace: "openfaas-fn" })).toBe("faas-request.env.openfaas-fn")
  })

  it("give the gateway another operations port, so that both fit on one machine", () => {
    expect(effective({}, {}, "gateway").settings.metricsPort).toBe(8082)
    expect(effective({}, {}, "worker").settings.metricsPort).toBe(8081)
  })
})

describe("precedence", () => {
  it("is flag, environment, default, and each setting knows where it came from", () => {
    const { origins, settings } = effective({ max_inflight: "7", ack_wait: "2s" }, { max_inflight: "9" })
    expect(settings.maxInflight).toBe(9)
    expect(settings.ackWait).toBe(2_000)
    const from = Object.fromEntries(origins.map((origin) => [origin.setting.name, origin.from]))
    expect(from).toMatchObject({ max_inflight: "flag", ack_wait: "environment", port: "default" })
  })

  it("takes an empty variable for an unset one", () => {
    expect(effective({ max_inflight: "", NATS_URL: "", functions_file: "" }).settings).toMatchObject({
      maxInflight: 50,
      natsGiven: false,
      functionsFile: undefined
    })
  })

  it("leaves a setting of another program alone, whatever it says", () => {
    expect(effective({ max_inflight: "nonsense" }, {}, "gateway").settings.maxInflight).toBe(50)
  })
})

describe("values", () => {
  it.each([
    ["NATS_URL", "nats://a,b:4223", { natsUrl: "nats://a:4222,nats://b:4223", natsGiven: true }],
    ["NATS_URL", "tls://u:p%40ss@a", { natsUrl: "tls://u:p%40ss@a:4222" }],
    ["NATS_URL", "nats://s3cret@a", { natsUrl: "nats://s3cret@a:4222" }],
    ["NATS_URL", "nats://[::1]:5", { natsUrl: "nats://[::1]:5" }],
    ["nats_host", "nats.openfaas", { natsUrl: "nats://nats.openfaas:4222", natsGiven: true }],
    ["nats_host", "::1", { natsUrl: "nats://[::1]:4222" }],
    ["function_url", "http://{name}.{namespace}:8080/", { functionUrl: "http://{name}.{namespace}:8080" }],
    ["functions_file", "functions.yaml", { functionsFile: "functions.yaml" }],
    ["initial_retry_wait", "0s", { retryPolicy: { initialWait: 0 } }],
    ["upstream_timeout", "1m30s", { upstreamTimeout: 90_000 }],
    ["publish_timeout", "500ms", { publishTimeout: 500 }],
    ["retry_http_codes", "429, 503", { retryPolicy: { codes: new Set([429, 503]) } }],
    ["max_retry_attempts", "0", { retryPolicy: { maxAttempts: 0 } }],
    ["nats_stream_replicas", "3", { natsStreamReplicas: 3 }],
    ["debug", "1", { debug: true }],
    ["tls_insecure", "true", { tlsInsecure: true }],
    ["callback_timeout", "1m", { callbackTimeout: 60_000 }],
    [
      "callback_allow_hosts",
      "Hooks.test, *.example.com",
      { callbackAllowHosts: ["hooks.test", "*.example.com"] }
    ],
    ["callback_deny_networks", "none", { callbackDenyNetworks: [] }],
    ["callback_deny_networks", "10.0.0.0/8,::1", { callbackDenyNetworks: ["10.0.0.0/8", "::1"] }],
    ["port", "0", { port: 0 }]
  ])("%s=%s is understood", (name, text, expected) => {
    expect(effective({ [name]: text }).settings).toMatchObject(expected)
  })

  it("NATS_URL wins over nats_host", () => {
    const { settings } = effective({ NATS_URL: "nats://a", nats_host: "b", nats_port: "1" })
    expect(settings.natsUrl).toBe("nats://a:4222")
  })
})

describe("mistakes", () => {
  it.each([
    ["max_inflight", "0"],
    ["max_inflight", "10001"],
    ["max_inflight", "1.5"],
    ["max_inflight", "-1"],
    ["ack_wait", "abc"],
    ["ack_wait", "500ms"],
    ["upstream_timeout", "60"],
    ["upstream_timeout", "0s"],
    ["upstream_timeout", "600h"],
    ["scaling_mode", "dynamic"],
    ["nats_stream_replicas", "2"],
    ["nats_stream_replicas", "4"],
    ["nats_port", "0"],
    ["nats_host", "nats://a"],
    ["nats_host", "a:4222"],
    ["NATS_URL", "http://a"],
    ["NATS_URL", "nats://a/path"],
    ["NATS_URL", "nats://u:p@a,nats://b"],
    ["NATS_URL", "tls://a,nats://b"],
    ["NATS_URL", "nats://a:x"],
    ["NATS_URL", "nats://a,,b"],
    ["NATS_URL", "nats://%zz:p@a"],
    ["queue_name", "Upper"],
    ["queue_name", "jobs_dead"],
    ["queue_name", "a.b"],
    ["gateway_url", "gateway:8080"],
    ["gateway_url", "http://a/?x=1"],
    ["function_url", "http://{name}.{where}"],
    ["function_url", "http://localhost:3000"],
    ["retry_http_codes", "429;503"],
    ["backoff", "linear"],
    ["debug", "yes"],
    ["log_encoding", "xml"],
    ["port", "65536"],
    ["max_retry_attempts", "many"],
    ["callback_allow_hosts", "http://a"],
    ["callback_allow_hosts", "a:80"],
    ["callback_deny_networks", "10.0.0.0/33"],
    ["callback_deny_networks", "localhost"],
    ["subject_template", "{queue}.{function}"],
    ["default_namespace", "a.b"]
  ])("%s=%s is the only mistake reported, with its name and value", (name, text) => {
    const found = mistakes({ [name]: text })
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(
      `${name}=${JSON.stringify(text).replace(/u:p@|%zz:p@/, "***@")} is not allowed: `
    )
  })

  it("are reported all at once, each with what is allowed", () => {
    const found = mistakes(
      { ack_wait: "abc", initial_retry_wait: "10m", queue_partitions: "2", gateway_url: "" },
      { max_inflight: "0" }
    )
    expect(found).toEqual([
      '--max-inflight="0" is not allowed: it must be a whole number from 1 to 10000',
      'ack_wait="abc" is not allowed: it must be a duration such as 500ms, 30s or 1m30s, at least 1s and at most 576h',
      expect.stringMatching(
        /^initial_retry_wait="10m0?s?" is not allowed: it must be at most max_retry_wait/
      ),
      expect.stringMatching(/functions_file.*function_url.*gateway_url/),
      'queue_partitions="2" is not supported: it must be 1 or unset'
    ])
  })

  it("do not complain about missing functions when their setting is only wrong", () => {
    expect(mistakes({ gateway_url: "gateway" })).toHaveLength(1)
  })

  it.each([
    ["NATS_URL", "nats://user:hunter2@host/path"],
    ["NATS_URL", "nats://user:hunter2/x@host"],
    ["NATS_URL", "hunter2@host/path"],
    ["nats_host", "user:hunter2@host"],
    ["gateway_url", "http://user:hunter2@gateway:8080"],
    ["function_url", "http://user:hunter2@{name}"]
  ])("never show the credentials in %s=%s", (name, text) => {
    const found = mistakes({ [name]: text })
    expect(found).toHaveLength(1)
    expect(found.join()).not.toContain("hunter2")
  })
})

describe("warnings", () => {
  it("are none for the defaults", () => {
    expect(effective({}).warnings).toEqual([])
  })

  it.each([
    "nats_stream",
    "nats_durable",
    "default_function_name",
    "consumer_pull_max_messages",
    "max_waiting",
    "max_reconnect",
    "reconnect_delay",
    "print_request_body",
    "print_response_body",
    "faas_nats_address"
  ])("tell what to do about %s of OpenFaaS", (name) => {
    const { warnings } = effective({ [name]: "1" })
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`^${name} is not supported: .+`))])
  })

  it("accept the one partition a queue has, and refuse others", () => {
    expect(effective({ queue_partitions: "1", filter_partition: "0" }).warnings).toHaveLength(2)
    expect(mistakes({ queue_partitions: "3" })).toHaveLength(1)
    expect(mistakes({ filter_partition: "1" })).toHaveLength(1)
  })
})
