import { Console, Effect, Option, Result } from "effect"
import { Argument, Flag } from "effect/cli"
import * as DeadLetterFilter from "../domain/DeadLetterFilter.ts"
import * as FunctionName from "../domain/FunctionName.ts"
import * as Moment from "../domain/Moment.ts"
import { type StoredDeadLetter, StoredDeadLetters } from "../queue/StoredDeadLetters.ts"
import { UserError } from "../settings/UserError.ts"
import { atLeast, onlyIfGiven } from "./Flags.ts"
import * as FunctionFlag from "./FunctionFlag.ts"

const moment = (name: string, doc: string) =>
  Flag.String(name).pipe(
    Flag.filterMap(
      (text) => Result.getSuccess(Moment.parse(text, Date.now())),
      (text) =>
        `Expected ${Moment.parse(text, 0).pipe(Result.match({ onSuccess: () => "", onFailure: (allowed) => allowed }))}, got ${JSON.stringify(text)}`
    ),
    Flag.withMetavar("time"),
    Flag.withDescription(doc),
    Flag.optional
  )

/** Which dead letters a command is about. */
export const flags = {
  function: FunctionFlag.flag("only those of this function"),
  reason: Flag.String("reason").pipe(
    Flag.withDescription("only those with this reason, such as exhausted or expired"),
    Flag.optional
  ),
  since: moment("since", "only those that died since then: 2h ago, or a time (2026-11-20T13:00:00Z)"),
  until: moment("until", "only those that died before then"),
  callId: Flag.String("call-id").pipe(
    Flag.withMetavar("id"),
    Flag.withDescription("only those of this call"),
    Flag.optional
  ),
  limit: atLeast(1, "limit").pipe(Flag.withDescription("at most so many, the oldest first"), Flag.optional)
}

export const id = Argument.String("id").pipe(
  Argument.withDescription("sequence of the dead letter, or id of its call")
)

/** For commands that change what they are about. */
export const choice = {
  ids: Argument.variadic(id),
  // To be given when all are meant: a command without a filter may be one that was not finished.
  all: onlyIfGiven("all", "all of them, when no id and no filter is given"),
  selection: flags
}

interface Selection {
  readonly function: Option.Option<string>
  readonly reason: Option.Option<string>
  readonly since: Option.Option<number>
  readonly until: Option.Option<number>
  readonly callId: Option.Option<string>
  readonly limit: Option.Option<number>
  readonly ids?: ReadonlyArray<string>
}

interface Choice {
  readonly ids: ReadonlyArray<string>
  readonly all: boolean
  readonly selection: Selection
}

/** The dead letters that are meant, oldest first; fails for an id that none has. */
export const select = Effect.fnUntraced(function* (selection: Selection, defaultNamespace: string) {
  const filter = yield* filterOf(selection, defaultNamespace)
  const letters = yield* Effect.flatMap(StoredDeadLetters, (stored) => stored.all)
  const named = yield* withIds(letters, selection.ids ?? [])
  const found = named.filter((letter) => DeadLetterFilter.matches(filter, letter))
  return found.slice(0, Option.getOrUndefined(selection.limit))
})

/** The same for a command that changes them: refuses to take silence for "all". */
export const choose = Effect.fnUntraced(function* (
  { all, ids, selection }: Choice,
  defaultNamespace: string
) {
  const filters = [selection.function, selection.reason, selection.since, selection.until, selection.callId]
  const isChosen =
    all || ids.length > 0 || filters.some((filter: Option.Option<unknown>) => Option.isSome(filter))
  if (!isChosen) {
    return yield* new UserError({
      message: "which dead letters? Give ids, a filter such as --function, or --all"
    })
  }
  return yield* select({ ...selection, ids }, defaultNamespace)
})

/** How many letters, in words. */
export const count = (letters: number): string =>
  letters === 1 ? "1 dead letter" : `${letters} dead letters`

/** Tells that none is meant. */
export const reportNone = (queueName: string): Effect.Effect<void> =>
  Console.error(`no such dead letter in queue ${queueName}`)

const filterOf = (selection: Selection, defaultNamespace: string) =>
  Effect.gen(function* () {
    const fn = yield* FunctionFlag.parse(selection.function, defaultNamespace)
    return {
      functionName: fn === undefined ? undefined : FunctionName.key(fn),
      reason: Option.getOrUndefined(selection.reason),
      callId: Option.getOrUndefined(selection.callId),
      sinceMillis: Option.getOrUndefined(selection.since),
      untilMillis: Option.getOrUndefined(selection.until)
    } satisfies DeadLetterFilter.DeadLetterFilter
  })

const withIds = Effect.fnUntraced(function* (
  letters: ReadonlyArray<StoredDeadLetter>,
  wanted: ReadonlyArray<string>
) {
  if (wanted.length === 0) return letters
  const found = new Set<StoredDeadLetter>()
  for (const id of wanted) {
    const bySequence = letters.filter(({ sequence }) => String(sequence) === id)
    const matching = bySequence.length > 0 ? bySequence : letters.filter(({ callId }) => callId === id)
    if (matching.length === 0) {
      return yield* new UserError({
        message: `there is no dead letter ${JSON.stringify(id)}: it is neither a sequence nor a call id of one`
      })
    }
    for (const letter of matching) found.add(letter)
  }
  return letters.filter((letter) => found.has(letter))
})
