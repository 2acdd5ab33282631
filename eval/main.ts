/**
 * The evaluation of limiters in simulated time. Identical inputs give identical bytes.
 *
 *   node eval/main.ts                                            everything; writes eval/report.md and report.html
 *   node eval/main.ts --check                                    everything; fails when the reports would change
 *   node eval/main.ts --quick                                    the marks of a few scenarios, in seconds
 *   node eval/main.ts --scenario S1,F7 --limiter pace,aimd       a table: mean of 5 seeds (or --seed 2)
 *   node eval/main.ts --scenario all --limiter pace              the same for S1 to S25, with the marks missed
 *   node eval/main.ts --fuzz 300 --limiter pace                  random scenarios: quantiles
 *   node eval/main.ts --scenario S1 --limiter pace --seconds     limit, in flight, capacity, 429s of each second
 *   node eval/main.ts --scenario S1 --limiter pace --trace       every event of every worker's limiter
 */
import { readFileSync, writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { contenders, named } from "./Contenders.ts"
import { evaluate, fuzzJobs, seeds } from "./league/Evaluation.ts"
import { type Job, scenarioOf } from "./league/Job.ts"
import { workAll } from "./league/Pool.ts"
import { quick } from "./league/Quick.ts"
import { markdown } from "./report/Markdown.ts"
import { page } from "./report/Page.ts"
import { printSeconds, printTrace } from "./report/PrintRun.ts"
import { printFuzz, printMarks, printTable } from "./report/PrintTable.ts"
import { suite } from "./scenarios/Suite.ts"

const { values: options } = parseArgs({
  options: {
    scenario: { type: "string" },
    limiter: { type: "string" },
    seed: { type: "string" },
    fuzz: { type: "string" },
    seconds: { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    check: { type: "boolean", default: false }
  }
})

const listed = (text: string | undefined, all: ReadonlyArray<{ readonly name: string }>) =>
  text === undefined || text === "all" ? all.map(({ name }) => name) : text.split(",")

const limiters = listed(options.limiter, contenders)
const scenarios = listed(options.scenario, suite)

/** Ends with what is wrong before any work is done. */
const check = (isRight: () => unknown): void => {
  try {
    isRight()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
}

const wholeNumber = (name: "seed" | "fuzz"): void => {
  const text = options[name]
  if (text === undefined || /^[1-9]\d{0,8}$/.test(text)) return
  throw new Error(`--${name} is "${text}"; it must be a whole number from 1 on.`)
}

check(() => limiters.map(named))
check(() => scenarios.map(scenarioOf))
check(() => wholeNumber("seed"))
check(() => wholeNumber("fuzz"))

const report = async (): Promise<void> => {
  const evaluation = await evaluate()
  const files = { "report.md": markdown(evaluation), "report.html": page(evaluation.suite) }
  for (const [name, text] of Object.entries(files)) {
    const url = new URL(name, import.meta.url)
    if (!options.check) writeFileSync(url, text)
    else if (readFileSync(url, "utf8") !== text) {
      console.error(`eval/${name} is not what the evaluation gives now. Run "npm run eval" and commit it.`)
      process.exitCode = 1
    }
  }
}

if (options.trace || options.seconds) {
  const print = options.trace ? printTrace : printSeconds
  for (const scenario of scenarios) {
    for (const limiter of limiters) print(scenarioOf(scenario), named(limiter), Number(options.seed ?? 1))
  }
} else if (options.quick) printMarks(quick())
else if (options.fuzz !== undefined) {
  printFuzz(await workAll(fuzzJobs(Number(options.fuzz), limiters)), limiters)
} else if (options.scenario !== undefined || options.limiter !== undefined) {
  const jobs = scenarios.map((scenario): Job => ({
    scenario,
    contenders: limiters,
    seeds: options.seed === undefined ? seeds : [Number(options.seed)],
    pictures: []
  }))
  printTable(await workAll(jobs), limiters)
} else await report()
