/** What to do about the variables of OpenFaaS that Sluice does not read. */
const remedies: Readonly<Record<string, string>> = {
  nats_stream: "the stream is OF_<queue_name>; set queue_name instead",
  nats_durable: "consumers are named by Sluice; remove it",
  default_function_name: "set default_namespace when functions are not in openfaas-fn",
  queue_partitions: "a queue has one partition; remove it",
  filter_partition: "a queue has one partition; remove it",
  consumer_pull_max_messages: "a worker pulls what it has room for; set max_inflight instead",
  max_waiting: "Sluice sets it itself; remove it",
  max_reconnect: "Sluice reconnects for as long as it runs; remove it",
  reconnect_delay: "Sluice reconnects for as long as it runs; remove it",
  nats_reconnect_max: "Sluice reconnects for as long as it runs; remove it",
  nats_reconnect_delay: "Sluice reconnects for as long as it runs; remove it",
  print_request_body: "bodies are never logged; remove it",
  print_response_body: "bodies are never logged; remove it",
  faas_nats_address: "set nats_host or NATS_URL instead",
  faas_nats_port: "set nats_port or NATS_URL instead",
  faas_nats_channel: "set queue_name instead",
  faas_nats_cluster_name: "it belongs to NATS Streaming; remove it",
  faas_nats_queue_group: "it belongs to NATS Streaming; remove it",
  faas_nats_jetstream: "Sluice always uses JetStream; remove it",
  faas_gateway_address: "set gateway_url instead",
  faas_gateway_port: "set gateway_url instead",
  faas_function_suffix: "set function_url instead",
  faas_print_body: "bodies are never logged; remove it",
  faas_max_reconnect: "Sluice reconnects for as long as it runs; remove it",
  faas_reconnect_delay: "Sluice reconnects for as long as it runs; remove it",
  write_debug: "set debug instead",
  gateway_invoke: "set gateway_url to call functions through a gateway",
  basic_auth: "credentials for gateway_url are used when secret_mount_path has them; remove it",
  read_timeout: "set upstream_timeout instead",
  write_timeout: "set upstream_timeout instead"
}

/** Variables that change which calls a worker serves, with the only value that means what Sluice does. */
const harmless: Readonly<Record<string, string>> = { queue_partitions: "1", filter_partition: "0" }

/** Looks for OpenFaaS variables that are not supported: one warning for each, a mistake where it matters. */
export function check(environment: Readonly<Record<string, string | undefined>>): {
  readonly warnings: ReadonlyArray<string>
  readonly mistakes: ReadonlyArray<string>
} {
  const warnings: Array<string> = []
  const mistakes: Array<string> = []
  for (const [name, remedy] of Object.entries(remedies)) {
    const value = environment[name]
    if (value === undefined || value === "") continue
    const wanted = harmless[name]
    if (wanted !== undefined && value !== wanted) {
      mistakes.push(`${name}=${JSON.stringify(value)} is not supported: it must be ${wanted} or unset`)
    } else {
      warnings.push(`${name} is not supported: ${remedy}`)
    }
  }
  return { warnings, mistakes }
}
