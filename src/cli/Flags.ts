import { Flag } from "effect/cli"

/** Off unless it is given. */
export const onlyIfGiven = (name: string, doc: string): Flag.Flag<boolean> =>
  Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDescription(doc), Flag.withDefault(false))

/** A whole number of at least `least`. */
export const atLeast = (least: number, name: string): Flag.Flag<number> =>
  Flag.Int(name).pipe(
    Flag.filter(
      (value) => value >= least,
      (value) => `Expected a whole number of at least ${least}, got ${value}`
    )
  )

/** How a command prints: for people, unless a program reads it. */
export const output = <People extends "text" | "table">(people: People, doc: string) =>
  Flag.Literals("output", [people, "json"]).pipe(
    Flag.withDescription(`${doc} (default ${people})`),
    Flag.withDefault(people)
  )
