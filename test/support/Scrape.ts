/** What `/metrics` says, read as Prometheus reads it. */
import { Effect } from "effect"

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const line = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const label = /([A-Za-z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/gy

const labelsOf = (text: string): Record<string, string> => {
  const labels = Object.fromEntries([...text.matchAll(label)].map(([, name, value]) => [name, value]))
  const length = [...text.matchAll(label)].reduce((sum, [whole]) => sum + whole.length, 0)
  if (length !== text.length) throw new Error(`these are no labels: ${text}`)
  return labels
}

/** Every sample of an exposition; throws at a line that is none. */
export const parse = (text: string): ReadonlyArray<Sample> =>
  text
    .split("\n")
    .filter((each) => each !== "" && !each.startsWith("#"))
    .map((each) => {
      const [, name = "", labels = "", value = ""] = line.exec(each) ?? []
      if (name === "") throw new Error(`this is no sample: ${each}`)
      return { name, labels: labelsOf(labels), value: value === "+Inf" ? Infinity : Number(value) }
    })

/** The text of a program's `/metrics`. */
export const text = (operationsUrl: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${operationsUrl}/metrics`)
    if (response.status !== 200) throw new Error(`/metrics answered ${response.status}`)
    return response.text()
  })

/** The value of the series with these labels (it may have others), undefined when there is none. */
export const valueIn = (
  samples: ReadonlyArray<Sample>,
  name: string,
  labels: Readonly<Record<string, string>> = {}
): number | undefined =>
  samples.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value)
  )?.value
