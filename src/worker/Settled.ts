import type { GivenBack } from "./GiveBack.ts"

/** What became of a delivery. */
export type Settled =
  | { readonly _tag: "Finished" }
  | GivenBack
  /** Not settled: it waits in the worker until its function has room. */
  | { readonly _tag: "Held" }

export const finished: Settled = { _tag: "Finished" }
export const held: Settled = { _tag: "Held" }
