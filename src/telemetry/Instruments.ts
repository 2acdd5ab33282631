import { Context, Metric } from "effect"
import * as Series from "./Series.ts"
import { labelsOf, type MetricDefinition } from "./MetricDefinition.ts"

/** Values of a metric's labels, in their order. */
type Values<Labels extends ReadonlyArray<string>> = { readonly [Key in keyof Labels]: string }

/** Stops a series that is read when metrics are collected, and removes it. */
type Unwatch = () => void

interface Counter<Labels extends ReadonlyArray<string>> {
  readonly count: (...labels: Values<Labels>) => void
  /** For a count that somebody else keeps. */
  readonly watch: (read: () => number, ...labels: Values<Labels>) => Unwatch
}

interface Gauge<Labels extends ReadonlyArray<string>> {
  readonly set: (value: number, ...labels: Values<Labels>) => void
  /** One more, until it is called off. */
  readonly begin: (...labels: Values<Labels>) => () => void
  readonly remove: (...labels: Values<Labels>) => void
  /** What has been set is there for as long as this is so, which is asked when metrics are collected. */
  readonly showWhile: (isSo: () => boolean) => void
  readonly watch: (read: () => number, ...labels: Values<Labels>) => Unwatch
}

interface Histogram<Labels extends ReadonlyArray<string>> {
  readonly record: (value: number, ...labels: Values<Labels>) => void
}

/** What a definition becomes. */
export type Instrument<Definition extends MetricDefinition> =
  Definition extends MetricDefinition<"counter", infer Labels>
    ? Counter<Labels>
    : Definition extends MetricDefinition<"gauge", infer Labels>
      ? Gauge<Labels>
      : Definition extends MetricDefinition<"histogram", infer Labels>
        ? Histogram<Labels>
        : never

/** Counts nothing. */
export const silent = {
  count: () => {},
  set: () => {},
  begin: () => () => {},
  record: () => {},
  remove: () => {},
  showWhile: () => {},
  watch: () => () => {}
}

/**
 * Counts of more functions than this share the name `other`, and what is set is not shown for them: whoever
 * publishes chooses the names.
 */
export const MOST_FUNCTIONS = 5_000
const OTHER = "other"

/** A series of a function that has not changed for so long is removed: longer than anybody waits between scrapes. */
const KEEP_MILLIS = 15 * 60_000

interface Member {
  readonly series: Series.Series
  readonly functionName: string | undefined
  readonly unregister: () => void
  seen: number
  seenAt: number
}

/** The instruments of one program, over a registry of their own. */
export class Instruments {
  readonly context = Context.make(Metric.MetricRegistry, new Map())
  readonly #queueName: string
  readonly #families: Array<Family> = []
  /** how many series each function has */
  readonly #functions = new Map<string, number>()

  constructor(queueName: string) {
    this.#queueName = queueName
  }

  /** @param shownAtOnce whether counts that are known to be possible are there before anything was counted. */
  make(definition: MetricDefinition, shownAtOnce: boolean): typeof silent | Family {
    const family = new Family(definition, this.context, this.#queueName, this.#functions)
    this.#families.push(family)
    if (shownAtOnce && definition.kind === "counter") family.showKnown()
    return family
  }

  /** Removes the series of functions that are gone, and what is not to be shown any more. */
  sweep(nowMillis: number): void {
    for (const family of this.#families) family.sweep(nowMillis)
  }
}

/** All series of one metric, by the values of their labels. */
class Family {
  readonly #definition: MetricDefinition
  readonly #names: ReadonlyArray<string>
  readonly #context: Context.Context<never>
  readonly #queueName: string
  readonly #functions: Map<string, number>
  readonly #functionAt: number
  readonly #members = new Map<string, Member>()
  #isShown = () => true

  constructor(
    definition: MetricDefinition,
    context: Context.Context<never>,
    queueName: string,
    functions: Map<string, number>
  ) {
    this.#definition = definition
    this.#names = labelsOf(definition)
    this.#context = context
    this.#queueName = queueName
    this.#functions = functions
    this.#functionAt = definition.labels.indexOf("function_name")
  }

  readonly count = (...labels: ReadonlyArray<string>): void => {
    this.#of(labels).update(1)
  }

  readonly set = (value: number, ...labels: ReadonlyArray<string>): void => {
    // Who sets the values of many functions under one name would leave that of the last.
    if (!this.#isOneTooMany(labels)) this.#of(labels).update(value)
  }

  readonly begin = (...labels: ReadonlyArray<string>): (() => void) => {
    // The function may have a series of its own by the time of the end, in which it has not begun.
    const series = this.#of(labels)
    series.modify(1)
    return () => series.modify(-1)
  }

  readonly record = (value: number, ...labels: ReadonlyArray<string>): void => {
    this.#of(labels).update(value)
  }

  readonly remove = (...labels: ReadonlyArray<string>): void => {
    const key = keyOf(labels)
    const member = this.#members.get(key)
    if (member !== undefined) this.#forget(key, member)
  }

  readonly showWhile = (isSo: () => boolean): void => {
    this.#isShown = isSo
  }

  readonly watch = (read: () => number, ...labels: ReadonlyArray<string>): Unwatch => {
    if (this.#isOneTooMany(labels)) return () => {}
    const isCounter = this.#definition.kind === "counter"
    return this.#register(labels, () =>
      isCounter ? { count: read(), incremental: true } : { value: read() }
    )
  }

  /** A rate sees the first event only of a series that was there before. */
  showKnown(): void {
    const { known, labels } = this.#definition
    const all = labels.length === 0 ? [[]] : known.map((value) => [value])
    for (const values of all) this.#of(values)
  }

  sweep(nowMillis: number): void {
    if (!this.#isShown()) return this.#members.forEach((member, key) => this.#forget(key, member))
    if (this.#functionAt < 0) return
    const isGauge = this.#definition.kind === "gauge"
    for (const [key, member] of this.#members) {
      const seen = member.series.magnitude()
      if (seen !== member.seen) {
        member.seen = seen
        member.seenAt = nowMillis
      } else if (nowMillis - member.seenAt > KEEP_MILLIS && (!isGauge || seen === 0)) {
        this.#forget(key, member)
      }
    }
  }

  #of(labels: ReadonlyArray<string>): Series.Series {
    const key = keyOf(labels)
    const known = this.#members.get(key)
    if (known !== undefined) return known.series
    if (this.#isOneTooMany(labels)) return this.#of(labels.with(this.#functionAt, OTHER))
    const series = this.#make()
    const functionName = labels[this.#functionAt]
    const unregister = this.#register(labels, series.state)
    this.#members.set(key, { series, functionName, unregister, seen: Number.NaN, seenAt: 0 })
    if (functionName !== undefined) {
      this.#functions.set(functionName, (this.#functions.get(functionName) ?? 0) + 1)
    }
    return series
  }

  #isOneTooMany(labels: ReadonlyArray<string>): boolean {
    const name = labels[this.#functionAt]
    if (name === undefined || name === OTHER) return false
    return this.#functions.size >= MOST_FUNCTIONS && !this.#functions.has(name)
  }

  #forget(key: string, { functionName, unregister }: Member): void {
    this.#members.delete(key)
    unregister()
    if (functionName === undefined) return
    const left = (this.#functions.get(functionName) ?? 1) - 1
    if (left === 0) this.#functions.delete(functionName)
    else this.#functions.set(functionName, left)
  }

  #make(): Series.Series {
    const { bounds, exposedAsGauge, kind } = this.#definition
    if (kind === "histogram") return Series.histogram(bounds)
    return kind === "gauge" ? Series.gauge() : Series.counter(!exposedAsGauge)
  }

  /** Shows a series until it is called off, or until another one with the same labels is shown. */
  #register(labels: ReadonlyArray<string>, state: () => unknown): Unwatch {
    const { bounds, help, kind, name, ofOwnQueue } = this.#definition
    const values = ofOwnQueue ? [this.#queueName, ...labels] : labels
    const attributes = Object.fromEntries(this.#names.map((label, at) => [label, values[at] ?? ""]))
    const options = { description: help, attributes, boundaries: bounds }
    const metric: Metric.Metric<number, unknown> =
      kind === "histogram"
        ? Metric.histogram(name, options)
        : kind === "gauge"
          ? Metric.gauge(name, options)
          : Metric.counter(name, options)
    return Metric.registerUnsafe(metric, this.#context, { get: state, update: nothing, modify: nothing })
      .remove
  }
}

const nothing = () => {}

const keyOf = (labels: ReadonlyArray<string>): string =>
  labels.length < 2
    ? (labels[0] ?? "")
    : labels.length === 2
      ? `${labels[0]}\0${labels[1]}`
      : labels.join("\0")
