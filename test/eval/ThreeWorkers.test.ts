import { expect, it } from "vitest"
import { toldAll } from "../../eval/Contenders.ts"
import { seeds } from "../../eval/league/Evaluation.ts"
import { score } from "../../eval/league/Score.ts"
import { workers } from "../../eval/scenarios/Scenario.ts"
import { scenarioNamed } from "../../eval/scenarios/Suite.ts"

it("three workers that are told of replicas and of each other waste one call in twenty at most on rejections in the published scenario", () => {
  const published = { ...scenarioNamed("S1"), joins: workers(3) }
  const { drain, rejected } = score(published, toldAll, seeds)
  expect(rejected).toBeLessThanOrEqual(0.05 / 1.05)
  expect(drain).toBeLessThanOrEqual(1.1)
})
