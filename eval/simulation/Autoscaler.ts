import type { AutoscalerPlan } from "../scenarios/Scenario.ts"
import { type Random, around } from "./Random.ts"
import type { Replicas } from "./Replicas.ts"
import type { Timeline } from "./Timeline.ts"

/** Seconds that fewer replicas have to be enough before some are taken away. */
const patience = 30

/** Scales replicas by how many calls run on them: it can only follow a limiter that uses what is there. */
export const autoscale = (
  timeline: Timeline,
  backend: Replicas,
  plan: AutoscalerPlan,
  cold: Random
): void => {
  const fewest = backend.replicas
  let starting = 0
  let lowSince: number | undefined

  const start = (): void => {
    starting++
    timeline.after(plan.cold * around(cold, 0.2), () => {
      starting--
      backend.resize(backend.replicas + 1)
    })
  }

  const look = (): void => {
    const wanted = Math.ceil(backend.running / (plan.target * plan.proportion))
    const desired = Math.min(plan.most, Math.max(fewest, wanted))
    for (let missing = desired - backend.replicas - starting; missing > 0; missing--) start()
    if (desired >= backend.replicas + starting) lowSince = undefined
    else lowSince ??= timeline.now
    if (lowSince !== undefined && timeline.now - lowSince >= patience) {
      const used = Math.ceil((backend.running * backend.replicas) / Math.max(1, backend.capacity))
      backend.resize(Math.max(desired, Math.min(used, backend.replicas)))
    }
    timeline.after(plan.poll, look)
  }
  timeline.after(plan.poll, look)
}
