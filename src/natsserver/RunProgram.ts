import { execFile } from "node:child_process"
import { Effect } from "effect"
import { NatsServerError } from "./NatsServerError.ts"

/** Where a program runs: its working directory, and its environment variables, PATH among them. */
export interface Place {
  readonly directory: string
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Runs a program to its end; fails with what it wrote to standard error. */
export const runProgram = (program: string, args: ReadonlyArray<string>, place: Place) =>
  Effect.callback<void, NatsServerError>((resume, signal) => {
    // A prompt or a translated message has no reader here.
    const env = {
      ...place.environment,
      LC_ALL: "C",
      DEBIAN_FRONTEND: "noninteractive",
      HOMEBREW_NO_AUTO_UPDATE: "1"
    }
    execFile(program, [...args], { cwd: place.directory, env, signal }, (error, _stdout, stderr) => {
      if (error === null) return resume(Effect.void)
      const said = stderr.trim() || error.message
      resume(new NatsServerError({ message: `${program} ${args.at(0) ?? ""}: ${said}` }))
    })
  })
