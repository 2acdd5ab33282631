/** A metric as Prometheus shows it. */
export interface MetricDefinition<
  Kind extends "counter" | "gauge" | "histogram" = "counter" | "gauge" | "histogram",
  Labels extends ReadonlyArray<string> = ReadonlyArray<string>
> {
  /** Also the exposed name: nothing is added to it. */
  readonly name: string
  readonly kind: Kind
  /** `queue_name` of the program's own queue comes before the labels; whoever counts does not give it. */
  readonly ofOwnQueue: boolean
  /** Those whoever counts gives, in this order. */
  readonly labels: Labels
  readonly help: string
  /** All values of the only label, where they are known: their series are there from the start, at 0. */
  readonly known: ReadonlyArray<string>
  /** Of a histogram; with +Inf these are at most eight buckets. */
  readonly bounds: ReadonlyArray<number>
  /** OpenFaaS counts it and calls it neither `_total` nor a counter: it is exposed as a gauge. */
  readonly exposedAsGauge: boolean
}

interface Details<Labels extends ReadonlyArray<string>> {
  readonly labels?: Labels
  readonly ofOwnQueue?: boolean
  readonly known?: ReadonlyArray<string>
  readonly bounds?: ReadonlyArray<number>
  readonly exposedAsGauge?: boolean
}

const define =
  <Kind extends MetricDefinition["kind"]>(kind: Kind) =>
  <const Labels extends ReadonlyArray<string> = readonly []>(
    name: string,
    help: string,
    details: Details<Labels> = {}
  ): MetricDefinition<Kind, Labels> => ({
    name,
    kind,
    help: details.known === undefined ? help : `${help}: ${details.known.join(", ")}.`,
    known: details.known ?? [],
    // Without labels it is inferred as the empty tuple.
    labels: details.labels ?? ([] as ReadonlyArray<string> as Labels),
    ofOwnQueue: details.ofOwnQueue ?? false,
    bounds: details.bounds ?? [],
    exposedAsGauge: details.exposedAsGauge ?? false
  })

export const counter = define("counter")
export const gauge = define("gauge")
export const histogram = define("histogram")

/** All labels of a metric's series, in the order they are exposed. */
export const labelsOf = (definition: MetricDefinition): ReadonlyArray<string> =>
  definition.ofOwnQueue ? ["queue_name", ...definition.labels] : definition.labels
