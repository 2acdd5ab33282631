import { type AutoscalerPlan, wanted } from "./Scenario.ts"
import type { Replicas } from "./Replicas.ts"

/** Looks at the replicas for ever, from now on, and starts and stops some by how many calls run. */
export const autoscale = (replicas: Replicas, plan: AutoscalerPlan): void => {
  let starting = 0

  const start = (): void => {
    starting++
    setTimeout(() => {
      starting--
      replicas.add()
    }, plan.cold * 1000)
  }

  setInterval(() => {
    const present = replicas.count + starting
    const desired = wanted(replicas.mostRunningSince(Date.now() - plan.window * 1000), plan)
    for (let missing = desired - present; missing > 0; missing--) start()
    replicas.removeIdle(present - desired)
  }, plan.poll * 1000)
}
