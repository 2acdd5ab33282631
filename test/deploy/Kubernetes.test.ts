import { readFileSync, realpathSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import { beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { IDeployment } from "kubernetes-models/apps/v1/Deployment"
import type { INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy"
import type { IProbe } from "kubernetes-models/v1/Probe"
import { parse, stringify } from "yaml"
import type { Program } from "../../src/settings/Setting.ts"
import { table } from "../../src/settings/SettingsTable.ts"
import { complaints } from "./KubernetesSchema.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"
import { directory, type Labels, type Manifest, render } from "./Kustomize.ts"
import * as NetworkPolicies from "./NetworkPolicies.ts"
import { settingsIn, unknownVariables } from "./Programs.ts"

/** With what each has besides gateway and workers of the default queue. */
const overlays = ["overlays/dev", "overlays/production", "examples/dedicated-queue"]
const all = [...overlays, "examples/function-autoscaling"]

const rendered = new Map<string, ReadonlyArray<Manifest>>()
// Fetches kubectl where there is none.
beforeAll(async () => {
  for (const path of all) rendered.set(path, await Effect.runPromise(render(path)))
}, 120_000)

const objectsOf = (path: string) => rendered.get(path) ?? []
const deployments = (path: string) => objectsOf(path).filter(isDeployment)
const isDeployment = (object: Manifest): object is Manifest & IDeployment => object.kind === "Deployment"

interface Pod {
  readonly name: string
  readonly program: Program
  readonly labels: Labels
  readonly annotations: Labels
  readonly spec: NonNullable<NonNullable<IDeployment["spec"]>["template"]["spec"]>
  readonly container: NonNullable<Pod["spec"]["containers"]>[number]
  readonly environment: Readonly<Record<string, string>>
}

/** The pods that run one of our programs. */
const pods = (path: string): ReadonlyArray<Pod> =>
  deployments(path).flatMap((deployment) => {
    const { metadata, spec } = deployment.spec?.template ?? {}
    const container = spec?.containers?.[0]
    const program = container?.args?.[0]
    if (spec === undefined || container === undefined || (program !== "gateway" && program !== "worker"))
      return []
    const data = (container.envFrom ?? []).map(({ configMapRef }) =>
      objectsOf(path).find(
        ({ kind, metadata }) => kind === "ConfigMap" && metadata.name === configMapRef?.name
      )
    )
    expect(data).not.toContain(undefined)
    const environment = Object.assign({}, ...data.map((map) => map?.data))
    return [
      {
        name: deployment.metadata.name,
        program,
        labels: metadata?.labels ?? {},
        annotations: metadata?.annotations ?? {},
        spec,
        container,
        environment
      }
    ]
  })

it.effect.each(all)("%s is what the schemas of Kubernetes, the Prometheus Operator and KEDA allow", (path) =>
  Effect.map(complaints(objectsOf(path)), (found) => expect(found).toEqual([]))
)

it.effect("the schemas find a misspelt field and a value of another type", () =>
  Effect.gen(function* () {
    const [object] = deployments("overlays/dev")
    const misspelt = { ...object, spec: { ...object?.spec, replica: 1 } } as unknown as Manifest
    expect(yield* complaints([misspelt])).toMatchObject([expect.stringContaining("replica")])
    const another = { ...object, spec: { ...object?.spec, replicas: "1" } } as unknown as Manifest
    expect(yield* complaints([another])).toMatchObject([
      expect.stringContaining("replicas must be integer"),
      expect.stringContaining("objects.ts")
    ])
  })
)

describe.each(overlays)("%s", (path) => {
  it("gives the programs settings that they know and accept", () => {
    expect(pods(path).map(({ program }) => program)).toEqual(expect.arrayContaining(["gateway", "worker"]))
    for (const { container, environment, program } of pods(path)) {
      const variables = [...Object.keys(environment), ...(container.env ?? []).map(({ name }) => name)]
      expect(unknownVariables(program, variables)).toEqual([])
      settingsIn(program, environment)
    }
  })

  it("has the ports and paths that the programs serve", () => {
    for (const { annotations, container, environment, program } of pods(path)) {
      const { metricsPort, port } = settingsIn(program, environment)
      const ports = Object.fromEntries((container.ports ?? []).map((each) => [each.name, each.containerPort]))
      expect(ports).toEqual(
        program === "gateway" ? { http: port, metrics: metricsPort } : { metrics: metricsPort }
      )
      expect(annotations["prometheus.io/port"]).toBe(String(metricsPort))
      expect(container.livenessProbe?.httpGet).toEqual({ path: "/healthz", port: "metrics" })
      expect(container.startupProbe?.httpGet).toEqual({ path: "/healthz", port: "metrics" })
      const ready =
        program === "gateway"
          ? { tcpSocket: { port: "http" } }
          : { httpGet: { path: "/readyz", port: "metrics" } }
      expect(container.readinessProbe).toMatchObject(ready)
      expect(seconds(container.readinessProbe, "timeoutSeconds")).toBeGreaterThan(2)
    }
  })

  it("lets running calls finish: upstream_timeout < shutdown_grace < terminationGracePeriodSeconds", () => {
    for (const { container, environment, program, spec } of pods(path)) {
      const { shutdownGrace, upstreamTimeout } = settingsIn(program, environment)
      expect(shutdownGrace).toBeGreaterThan(upstreamTimeout)
      const before = container.lifecycle?.preStop?.sleep?.seconds ?? 0
      expect(spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(before + shutdownGrace / 1000 + 5)
    }
  })

  it("runs everything without root, privileges, a writable root or a token, on an image with a tag", () => {
    for (const { spec } of deployments(path)) {
      const pod = spec?.template.spec
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } }
      })
      for (const container of pod?.containers ?? []) {
        expect(container.image).toMatch(/.:[^/]+$/)
        expect(container.resources).toMatchObject({
          requests: { cpu: expect.anything(), memory: expect.anything() },
          limits: { memory: expect.anything() }
        })
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] }
        })
      }
    }
  })

  it("selects with each selector the pods of one deployment or all workers, and leaves no pod out", () => {
    const names = (kind: string, selectorOf: (spec: never) => Labels) =>
      objectsOf(path)
        .filter((object) => object.kind === kind)
        .map(({ spec }) => matching(pods(path), selectorOf(spec as never)))
    const each = pods(path).map(({ name }) => [name])
    expect(names("PodDisruptionBudget", (spec: { selector: Selector }) => spec.selector.matchLabels)).toEqual(
      expect.arrayContaining(each)
    )
    expect(
      names("Deployment", (spec: { selector: Selector }) => spec.selector.matchLabels).filter(
        (found) => found.length > 0
      )
    ).toEqual(each)
    const policies = names("NetworkPolicy", (spec: { podSelector: Selector }) => spec.podSelector.matchLabels)
    expect(policies.flat().toSorted()).toEqual(each.flat().toSorted())
    const services = names("Service", (spec: { selector: Labels }) => spec.selector)
    expect(services.flat().toSorted()).toEqual(each.flat().toSorted())
  })
})

interface Selector {
  readonly matchLabels: Labels
}

const matching = (candidates: ReadonlyArray<Pod>, wanted: Labels) =>
  candidates
    .filter(({ labels }) => Object.entries(wanted).every(([name, value]) => labels[name] === value))
    .map(({ name }) => name)

const seconds = (probe: IProbe | undefined, field: "timeoutSeconds") => probe?.[field] ?? 1

it("production asks for three copies of a stream, which the NATS of deploy/nats has the servers for", () => {
  const values = parse(readFileSync(join(import.meta.dirname, "../../deploy/nats/values.yaml"), "utf8"))
  for (const { environment, program } of pods("overlays/production")) {
    const settings = settingsIn(program, environment)
    expect(settings.natsStreamReplicas).toBe(3)
    expect(settings.natsStreamReplicas).toBeLessThanOrEqual(values.config.cluster.replicas)
    expect(values.config.jetstream.fileStore.pvc.enabled).toBe(true)
  }
})

/** `9Gi` in bytes. */
const gibibytes = (text: string) => Number(/^(\d+)Gi$/.exec(text)?.[1]) * 2 ** 30

it("production's queues and dead letters have limits that fit into the storage of each NATS server, with room to spare", () => {
  const { fileStore } = parse(
    readFileSync(join(import.meta.dirname, "../../deploy/nats/values.yaml"), "utf8")
  ).config.jetstream
  const limits = new Map<string, number>()
  // With a second queue, which has the same limit: a program that does not say it makes a stream without one.
  for (const { environment, program } of pods("examples/dedicated-queue")) {
    const { deadLetterMaxBytes, maxQueueBytes, queueName } = settingsIn(program, {
      dead_letter_max_bytes: String(table.deadLetterMaxBytes.fallback),
      ...environment
    })
    expect(maxQueueBytes).toBeGreaterThan(0)
    expect(limits.get(queueName) ?? maxQueueBytes + deadLetterMaxBytes).toBe(
      maxQueueBytes + deadLetterMaxBytes
    )
    limits.set(queueName, maxQueueBytes + deadLetterMaxBytes)
  }
  expect([...limits.keys()].toSorted()).toEqual(["faas-request", "slow-fns"])
  const sum = [...limits.values()].reduce((one, other) => one + other)
  // A quarter for callbacks, large results and the ledgers, which have no limit.
  expect(sum).toBeLessThanOrEqual(0.75 * gibibytes(fileStore.maxSize))
  expect(gibibytes(fileStore.maxSize)).toBeLessThan(gibibytes(fileStore.pvc.size))
})

it("production has its dashboards, rules and monitors, and leaves the number of workers to KEDA", () => {
  const objects = objectsOf("overlays/production")
  const kinds = objects.map(({ kind }) => kind)
  expect(kinds).toEqual(expect.arrayContaining(["ServiceMonitor", "PrometheusRule", "ScaledObject"]))
  const dashboards = objects.find(({ metadata }) => metadata.labels?.["grafana_dashboard"] === "1")
  expect(Object.keys(dashboards?.data ?? {})).toEqual(["function.json", "overview.json"])
  const scaled = objects.find(({ kind }) => kind === "ScaledObject")
  const target = deployments("overlays/production").find(({ metadata }) => metadata.name === "sluice-worker")
  expect(scaled?.spec).toMatchObject({ scaleTargetRef: { name: "sluice-worker" } })
  expect(target?.spec).not.toHaveProperty("replicas")
})

it("the workers of a dedicated queue serve that queue and no other", () => {
  const queues = pods("examples/dedicated-queue").map(
    ({ environment, labels, name, program }) =>
      [name, settingsIn(program, environment).queueName, labels["app.kubernetes.io/instance"]] as const
  )
  expect(queues).toEqual(
    expect.arrayContaining([
      ["sluice-worker", "faas-request", "faas-request"],
      ["sluice-worker-slow-fns", "slow-fns", "slow-fns"]
    ])
  )
})

it.effect("autoscaling takes the number of workers of its own queue, whatever stands before it", () =>
  Effect.gen(function* () {
    const overlay = realpathSync(yield* temporaryDirectory)
    const kubernetes = relative(overlay, directory)
    const kustomization = {
      resources: [`${kubernetes}/base`],
      components: [`${kubernetes}/components/dedicated-queue`, `${kubernetes}/components/autoscaling`]
    }
    writeFileSync(join(overlay, "kustomization.yaml"), stringify(kustomization))
    const replicas = (yield* render(relative(directory, overlay)))
      .filter(isDeployment)
      .map(({ metadata, spec }) => [metadata.name, spec?.replicas])
    expect(Object.fromEntries(replicas)).toEqual({
      "sluice-gateway": 2,
      "sluice-worker": undefined,
      "sluice-worker-slow-fns": 2
    })
  })
)

it("production's suggestions in comments are settings that the programs know and accept", () => {
  const text = readFileSync(join(directory, "overlays/production/kustomization.yaml"), "utf8")
  const suggested = Object.fromEntries(
    [...text.matchAll(/^ *# - (?<name>\w+)=(?<value>\S+)$/gm)].map(({ groups }) => [
      groups?.["name"] ?? "",
      groups?.["value"] ?? ""
    ])
  )
  expect(Object.keys(suggested)).toEqual(["OTEL_EXPORTER_OTLP_ENDPOINT", "nats_creds_file", "nats_ca_file"])
  for (const { container, environment, program } of pods("overlays/production")) {
    expect(unknownVariables(program, Object.keys(suggested))).toEqual([])
    const { natsAccess } = settingsIn(program, { ...environment, ...suggested })
    const mounted = container.volumeMounts?.find(({ name }) => name === "nats-credentials")?.mountPath
    expect(natsAccess).toMatchObject({ credsFile: `${mounted}/user.creds`, caFile: `${mounted}/ca.crt` })
  }
  // OTLP over HTTP; 4317 would be gRPC.
  expect(new URL(suggested["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? "").port).toBe("4318")
})

it("workers reach no address that callbacks are refused to", () => {
  const policy = objectsOf("overlays/production").find(
    ({ kind, metadata }) => kind === "NetworkPolicy" && metadata.name === "sluice-worker"
  ) as INetworkPolicy | undefined
  const blocks = (policy?.spec?.egress ?? [])
    .filter(({ ports }) => ports === undefined)
    .flatMap(({ to = [] }) => to.flatMap(({ ipBlock }) => ipBlock ?? []))
  const denied = table.callbackDenyNetworks.fallback.split(",")
  expect(blocks.map(({ cidr }) => cidr)).toEqual(["0.0.0.0/0", "::/0"])
  expect(blocks.flatMap(({ except = [] }) => except).toSorted()).toEqual(denied.map(asNetwork).toSorted())
})

describe("the network policies", () => {
  const openfaas = "openfaas"
  const stranger: NetworkPolicies.Peer = { namespace: "default", labels: { app: "web" } }
  const operators = { namespace: "monitoring", labels: { "app.kubernetes.io/name": "prometheus" } }
  const openFaasOwn = { namespace: openfaas, labels: { app: "prometheus" } }
  const nats = { namespace: "nats", labels: { "app.kubernetes.io/name": "nats" } }
  const fn = { namespace: "openfaas-fn", labels: { faas_function: "resize" } }
  const dns = { namespace: "kube-system", labels: { "k8s-app": "kube-dns" } }
  const dnsOnNode = { address: "169.254.20.10" }
  const collector = { namespace: "monitoring", labels: { app: "otel-collector" } }
  const receiver = { address: "203.0.113.7" }

  it.each([
    ["sluice-gateway", "egress", nats, 4222, true],
    ["sluice-gateway", "egress", fn, 8080, true],
    ["sluice-gateway", "egress", dns, 53, true],
    ["sluice-gateway", "egress", dnsOnNode, 53, true],
    ["sluice-gateway", "egress", collector, 4318, true],
    ["sluice-gateway", "egress", receiver, 443, false],
    ["sluice-gateway", "ingress", stranger, "http", true],
    ["sluice-gateway", "ingress", stranger, "metrics", false],
    ["sluice-gateway", "ingress", operators, "metrics", true],
    ["sluice-gateway", "ingress", openFaasOwn, "metrics", true],
    ["sluice-worker", "egress", nats, 4222, true],
    ["sluice-worker", "egress", fn, 8080, true],
    ["sluice-worker", "egress", { namespace: openfaas, labels: { app: "gateway" } }, 8080, true],
    ["sluice-worker", "egress", dns, 53, true],
    ["sluice-worker", "egress", dnsOnNode, 53, true],
    ["sluice-worker", "egress", dnsOnNode, 80, false],
    ["sluice-worker", "egress", collector, 4318, true],
    ["sluice-worker", "egress", receiver, 443, true],
    ["sluice-worker", "egress", { address: "169.254.169.254" }, 80, false],
    ["sluice-worker", "egress", { address: "2001:db8::7" }, 443, true],
    ["sluice-worker", "egress", { address: "fd00:ec2::254" }, 80, false],
    ["sluice-worker", "ingress", stranger, "metrics", false],
    ["sluice-worker", "ingress", operators, "metrics", true],
    ["sluice-worker", "ingress", openFaasOwn, "metrics", true]
  ] as const)("%s %s %j, port %s: %s", (name, direction, peer, port, isAllowed) => {
    const policy = objectsOf("overlays/production").find(
      ({ kind, metadata }) => kind === "NetworkPolicy" && metadata.name === name
    ) as INetworkPolicy
    expect(NetworkPolicies.allows(policy, direction, peer, port, openfaas)).toBe(isAllowed)
  })
})

const asNetwork = (text: string) => {
  if (text.includes("/")) return text
  return text.includes(":") ? `${text}/128` : `${text}/32`
}

it("all workers go and come at once, so that scaling_mode can change, and never all gateways", () => {
  for (const path of overlays) {
    for (const { metadata, spec } of deployments(path)) {
      if (metadata.name.startsWith("sluice-worker")) {
        expect(spec?.strategy?.rollingUpdate).toEqual({ maxUnavailable: "100%", maxSurge: 0 })
      }
      if (metadata.name === "sluice-gateway") {
        expect(spec?.strategy?.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 })
      }
    }
  }
})

it("the NATS of the dev overlay says that it keeps nothing", () => {
  const nats = deployments("overlays/dev").find(
    ({ metadata }) => metadata.name === "nats-without-persistence"
  )
  expect(nats?.spec?.template.metadata?.annotations).toMatchObject({
    "sluice/warning": expect.stringContaining("lost")
  })
  expect(nats?.spec?.template.spec?.volumes).toMatchObject([{ name: "data", emptyDir: {} }])
})
