import type * as Parser from "./Parser.ts"

/** The programs that read settings; `operator` stands for the commands that look into queues. */
export type Program = "start" | "gateway" | "worker" | "operator"

/** One setting. `A` is its value; one without a default may be left out. */
export interface Setting<A, Fallback extends string | undefined = string | undefined> {
  /** The environment variable, spelled as OpenFaaS does. */
  readonly name: string
  readonly parser: Parser.Parser<A>
  /** What is assumed when neither flag nor variable is given, as text. */
  readonly fallback: Fallback
  /** Programs whose default is another one. */
  readonly fallbackOf?: Partial<Readonly<Record<Program, string>>>
  readonly doc: string
  readonly programs: ReadonlyArray<Program>
  /** The value may carry credentials: they are hidden wherever it is printed. */
  readonly secret: boolean
}

type Details = Partial<Pick<Setting<unknown>, "programs" | "fallbackOf" | "secret">>

export const ofGateway: Details = { programs: ["start", "gateway"] }
export const ofWorker: Details = { programs: ["start", "worker"] }
export const ofOperatorToo: Details = { programs: ["start", "gateway", "worker", "operator"] }
export const secret: Details = { secret: true }

export function setting<A, Fallback extends string | undefined>(
  name: string,
  parser: Parser.Parser<A>,
  fallback: Fallback,
  doc: string,
  details: Details = {}
): Setting<A, Fallback> {
  return { name, parser, fallback, doc, programs: ["start", "gateway", "worker"], secret: false, ...details }
}

/** The flag of a setting: `--max-inflight` for `max_inflight`, without the dashes in front. */
export function flagName(setting: Setting<unknown>): string {
  return setting.name.toLowerCase().replaceAll("_", "-")
}

/** The text a setting has for a program when nobody gives one. */
export function fallbackFor(setting: Setting<unknown>, program: Program): string | undefined {
  return setting.fallbackOf?.[program] ?? setting.fallback
}
