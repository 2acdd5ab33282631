import { resolve } from "node:path"
import { Duration, Effect } from "effect"
import { type Account, account } from "./Accounting.ts"
import * as Client from "./Client.ts"
import { Journal } from "./Journal.ts"
import * as Parts from "./Parts.ts"
import * as PartsLog from "./PartsLog.ts"
import { picture } from "./Picture.ts"
import * as PictureFile from "./PictureFile.ts"
import { sampleFunctions } from "./SampleFunctions.ts"
import { Screen } from "./Screen.ts"
import * as Summary from "./Summary.ts"
import * as Watch from "./Watch.ts"

interface Options {
  /** At least as many as there are functions. */
  readonly calls: number
  /** Path of the SVG. */
  readonly picture: string
  /** Decides latencies, errors and the order of calls; any when undefined. */
  readonly seed: number | undefined
}

/** The sums do not agree: a mistake of ours, but a stack would say nothing about it. */
class SumsDisagree extends Error {
  override readonly name = "the sums do not agree"
  override readonly stack = ""
}

/** Runs the demo to its end. Dies when an accepted call is not accounted for exactly once. */
export const demo = Effect.fnUntraced(function* (options: Options) {
  yield* PictureFile.check(options.picture)
  const screen = new Screen()
  const seed = options.seed ?? Math.floor(Math.random() * 1e6)
  screen.print(screen.bold(`${options.calls} calls over ${sampleFunctions.length} functions:`))
  for (const { does, name } of sampleFunctions) screen.print(`  ${name.padEnd(8)}${does}`)

  const journal = new Journal()
  const result = yield* run(options.calls, seed, journal, screen).pipe(
    Effect.scoped,
    Effect.ensuring(Effect.sync(() => screen.clear())),
    Effect.onInterrupt(() => Effect.sync(() => screen.note("Stopped. Nothing of the demo is left running."))),
    Effect.provide(PartsLog.layer(screen))
  )

  const summary = Summary.make(journal, result)
  const [head = "", ...lines] = Summary.lines(summary)
  screen.print(["", screen.bold(head), ...lines, screen.dim(Summary.explanation), ""].join("\n"))
  yield* PictureFile.write(options.picture, picture(journal, summary.all))
  if (result.problems.length === 0) screen.print(screen.good(Summary.sums(summary.all)))
  screen.print(`Picture: ${resolve(options.picture)} (the same latencies and errors again: --seed ${seed})`)
  if (result.problems.length > 0) return yield* Effect.die(new SumsDisagree(listed(result.problems)))
})

/** Within a minute for the usual number of calls, whatever happens. */
const deadlineOf = (calls: number): Duration.Duration => Duration.millis(45_000 + 5 * calls)

/** One run on parts of its own, and what became of its calls. */
const run = Effect.fnUntraced(function* (calls: number, seed: number, journal: Journal, screen: Screen) {
  const { backlog, callbackUrl, crashed, deadLetters, functions, gatewayUrl } = yield* Parts.start(
    seed,
    journal,
    screen
  )
  let posted = false
  const post = Client.postAll({ calls, seed, gatewayUrl, callbackUrl }, journal).pipe(
    Effect.andThen(Effect.sync(() => void (posted = true)))
  )
  const watch = Watch.untilFinished({ backlog, posted: () => posted }, journal, screen)
  yield* Effect.all([post, watch], { concurrency: "unbounded", discard: true }).pipe(
    Effect.raceFirst(crashed),
    Effect.timeoutOption(deadlineOf(calls))
  )

  yield* Effect.raceFirst(functions.caughtUp, crashed)
  return accountOf(journal, yield* deadLetters.all)
})

const accountOf = (journal: Journal, deadLetters: Parameters<typeof account>[0]["deadLetters"]): Account =>
  account({
    posts: journal.posts,
    attempts: journal.attempts,
    callbacks: journal.callbacks,
    deadLetters,
    waiting: journal.waiting,
    limited: sampleFunctions.flatMap(({ limit, name: fn }) =>
      limit === undefined ? [] : [{ fn, limit, mostAtOnce: journal.mostAtOnce(fn) }]
    )
  })

const MOST_LISTED = 20

const listed = (problems: ReadonlyArray<string>): string => {
  const more = problems.length - MOST_LISTED
  const shown = [...problems.slice(0, MOST_LISTED), ...(more > 0 ? [`and ${more} more`] : [])]
  return shown.map((line) => `\n  - ${line}`).join("")
}
