import { Flag } from "effect/cli"
import { atLeast } from "../src/cli/Flags.ts"

/** A count; the description ends with its default. */
export const atLeastOne = (name: string, fallback: number, description: string) =>
  atLeast(1, name).pipe(
    Flag.withDescription(`${description} (default ${fallback})`),
    Flag.withDefault(fallback)
  )

/** How long contestants are measured. */
export const throughput = (defaults: {
  readonly heats: number
  readonly rounds: number
  readonly calls: number
}) => ({
  heats: atLeastOne("heats", defaults.heats, "new processes of all contestants"),
  rounds: atLeastOne("rounds", defaults.rounds, "turns of each contestant in a heat"),
  calls: atLeastOne("calls", defaults.calls, "calls of a turn")
})
