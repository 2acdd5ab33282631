import { type WriteStream, createWriteStream } from "node:fs"
import type { Event } from "./Event.ts"

type WithoutTime<E> = E extends unknown ? Omit<E, "t"> : never

/** What has happened in a run, in memory and, line by line, in a file that survives the harness. */
export class History {
  readonly events: Array<Event> = []
  readonly #start = performance.now()
  readonly #file: WriteStream

  constructor(path: string) {
    this.#file = createWriteStream(path)
  }

  /** Milliseconds since the start of the run. */
  now(): number {
    return performance.now() - this.#start
  }

  /** The run's time of a moment of the wall clock (milliseconds since 1970). */
  at(wallMillis: number): number {
    return wallMillis - performance.timeOrigin - this.#start
  }

  record(what: WithoutTime<Event>): void {
    const event = { t: Math.round(this.now() * 10) / 10, ...what } as Event
    this.events.push(event)
    this.#file.write(`${JSON.stringify(event)}\n`)
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#file.end(resolve))
  }
}
