import type { Effect } from "effect"
import type { FunctionName } from "../domain/FunctionName.ts"

/** A function as its provider describes it. */
export interface FunctionSpec {
  readonly name: FunctionName
  /** The URL its calls start with, without a trailing slash. */
  readonly url: string
  readonly annotations: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string>>
}

export type Lookup =
  | { readonly _tag: "Found"; readonly spec: FunctionSpec }
  | { readonly _tag: "Unknown" }
  /** The provider cannot be asked; the spec is what is known without it: where the calls go. */
  | { readonly _tag: "Unavailable"; readonly spec: FunctionSpec }

/** How many replicas of the function can take calls now; undefined when nobody can say. */
export type CountReplicas = (fn: FunctionName) => Effect.Effect<number | undefined>

export type Find = (fn: FunctionName) => Effect.Effect<Lookup>
