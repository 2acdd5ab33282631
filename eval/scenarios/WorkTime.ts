import { type Random, exponential, normal } from "../simulation/Random.ts"

/** How long the work of a call takes; `mean` in seconds. */
export type WorkTime =
  | { readonly _tag: "Constant"; readonly mean: number }
  | { readonly _tag: "Exponential"; readonly mean: number }
  | { readonly _tag: "LogNormal"; readonly mean: number; readonly sigma: number }
  /** One call in ten takes ten times as long as the others. */
  | { readonly _tag: "Bimodal"; readonly mean: number }

export const constant = (mean: number): WorkTime => ({ _tag: "Constant", mean })
export const exponentially = (mean: number): WorkTime => ({ _tag: "Exponential", mean })
export const logNormal = (mean: number, sigma: number): WorkTime => ({ _tag: "LogNormal", mean, sigma })
export const bimodal = (mean: number): WorkTime => ({ _tag: "Bimodal", mean })

/** Seconds of work for the next call. */
export const draw = (work: WorkTime, random: Random): number => {
  switch (work._tag) {
    case "Constant":
      return work.mean
    case "Exponential":
      return work.mean * exponential(random)
    case "LogNormal":
      return work.mean * Math.exp(work.sigma * normal(random) - work.sigma ** 2 / 2)
    case "Bimodal":
      return (work.mean / 1.9) * (random() < 0.1 ? 10 : 1)
  }
}
