import type { Worker } from "./Worker.ts"
import { type World, network } from "./World.ts"

/** Seconds between two looks at the replicas, and between two messages to the other workers. */
const interval = 1

/** Tells a limited worker when the number of ready replicas is not what it was at its last look. */
export const pollReplicas = ({ timeline, backend }: World, worker: Worker, phase: number): void => {
  let known: number | undefined
  const look = (): void => {
    timeline.after(interval, look)
    const replicas = backend.replicas
    if (replicas === undefined || replicas === known || !worker.isLimited) return
    known = replicas
    worker.tell({ _tag: "Hint", replicas })
  }
  timeline.after(phase * interval, look)
}

/** Carries what each worker has to say to all others that have joined. */
export const gossip = (
  { timeline }: World,
  workers: ReadonlyArray<Worker>,
  index: number,
  phase: number
): void => {
  const speak = (): void => {
    timeline.after(interval, speak)
    const news = workers[index]?.news()
    if (news === undefined) return
    timeline.after(2 * network, () => {
      for (const [other, worker] of workers.entries()) {
        if (other !== index) worker.tell({ _tag: "Gossip", news: { ...news, worker: `worker ${index}` } })
      }
    })
  }
  timeline.after(phase * interval, speak)
}
