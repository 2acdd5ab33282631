import * as Chart from "./Chart.ts"
import type { Journal, Sample } from "./Journal.ts"
import { sampleFunctions } from "./SampleFunctions.ts"
import type { Row } from "./Summary.ts"
import { duration } from "./Summary.ts"

/** Okabe and Ito's colours: told apart with any kind of colour vision. */
const colours = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"]

/** What happened in a run over time, as SVG. */
export const picture = (journal: Journal, all: Row): string => {
  const start = journal.waves[0]?.from ?? 0
  const seconds = (at: number) => Math.max(0, (at - start) / 1000)
  const end = seconds(journal.depth.at(-1)?.at ?? start)

  const sampled = (samples: ReadonlyArray<Sample>): ReadonlyArray<Chart.Series> =>
    sampleFunctions.map(({ name }) => ({
      name,
      points: samples.map(({ at, counts }) => [seconds(at), counts[name] ?? 0] as const)
    }))
  const completed = sampleFunctions.map(({ name }) => {
    const times = journal.callbacks.filter(({ fn }) => fn === name).map(({ at }) => seconds(at))
    const steps = times.map((time, index) => [time, index + 1] as const)
    return { name, points: [[0, 0] as const, ...steps, [end, times.length] as const] }
  })

  return Chart.svg({
    title: `Sluice demo: ${all.accepted} calls over ${sampleFunctions.length} functions`,
    subtitle:
      `${all.succeeded} succeeded, ${all.deadLettered} dead-lettered, ${all.attempts - all.accepted} retries; ` +
      `accept to callback p50 ${duration(all.p50)}, p99 ${duration(all.p99)}`,
    legend: sampleFunctions.map(({ does, name }, index) => ({
      name,
      text: does,
      colour: colours[index % colours.length] ?? "#000"
    })),
    bands: journal.waves.map(({ from, to }) => [seconds(from), seconds(to)] as const),
    bandText: "calls are posted",
    panels: [
      {
        title: "Calls in the queue (waiting, delayed for a retry, or running)",
        series: sampled(journal.depth)
      },
      {
        title: "Calls in flight (the most at once in each tenth of a second)",
        series: sampled(journal.inFlight)
      },
      {
        title: "Calls completed (result delivered to the callback, dead letters included)",
        series: completed
      }
    ]
  })
}
