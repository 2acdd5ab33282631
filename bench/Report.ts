import { cpus, loadavg } from "node:os"
import type { Comparison, Mark, Percentiles, Summary } from "./Summary.ts"

/** What the figures were measured on; the load average is of the minute before. */
export const machine = (natsVersion: string): string => {
  const all = cpus()
  const load = (loadavg()[0] ?? 0).toFixed(1)
  return [
    `${all.length} × ${all[0]?.model.trim() ?? "unknown CPU"} (load ${load})`,
    `${process.platform} ${process.arch}`,
    `node ${process.versions.node}`,
    `nats-server ${natsVersion}`
  ].join(", ")
}

/** The figures as people read them. */
export const tables = ({ callsPerSecond, cpuMicrosPerCall, latency, start }: Summary): string =>
  [
    row("", "raw loop", "worker", "worker / raw", "in each round"),
    comparison("calls/s", callsPerSecond, 0),
    comparison("µs CPU a call", cpuMicrosPerCall, 1),
    "",
    row("idle system, ms", "202 p50", "202 p99", "POST p50", "POST p99"),
    latencies("actor not spawned", latency.notSpawned),
    latencies("actor idle", latency.idle),
    "",
    row("a worker's start, ms", "p50", "p99"),
    row("to its first pull", thousands(start.p50, 0), thousands(start.p99, 0))
  ].join("\n")

export const markLine = ({ name, value, bound, met }: Mark): string =>
  `${met ? "met   " : "MISSED"}  ${name}: ${value.toFixed(2)} (${bound})`

const thousands = (value: number, digits: number): string =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })

const row = (title: string, ...cells: ReadonlyArray<string>): string =>
  title.padEnd(18) + cells.map((cell) => cell.padStart(14)).join("")

const comparison = (title: string, { raw, worker, ratio, ratios }: Comparison, digits: number): string =>
  row(
    title,
    thousands(raw, digits),
    thousands(worker, digits),
    ratio.toFixed(2),
    `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`
  )

const latencies = (title: string, of: { readonly fromAccept: Percentiles; readonly fromPost: Percentiles }) =>
  row(title, ...[of.fromAccept, of.fromPost].flatMap(({ p50, p99 }) => [p50.toFixed(2), p99.toFixed(2)]))
