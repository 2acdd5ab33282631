import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import type { Finished, Job } from "./Job.ts"

/**
 * Does jobs on all cores. The results come in the order of the jobs, whichever thread was faster, and each
 * depends on its job alone.
 */
export const workAll = (jobs: ReadonlyArray<Job>): Promise<ReadonlyArray<Finished>> => {
  const results: Array<Finished> = []
  const threads = Array.from(
    { length: Math.min(availableParallelism(), jobs.length) },
    () => new Worker(new URL("./Thread.ts", import.meta.url))
  )
  let next = 0
  const employ = (thread: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      let current = -1
      const takeNext = (): void => {
        current = next++
        const job = jobs[current]
        if (job === undefined) resolve()
        else thread.postMessage(job, [])
      }
      thread.on("error", reject)
      thread.on("message", (finished: Finished) => {
        results[current] = finished
        takeNext()
      })
      takeNext()
    })
  return Promise.all(threads.map(employ))
    .then(() => results)
    .finally(() => Promise.all(threads.map((thread) => thread.terminate())))
}
