import { spawn as spawnChild } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Running {
  readonly child: ChildProcess
  /** Resolves when stdout contains the text. */
  readonly printed: (text: string) => Promise<void>
  readonly ended: Promise<Ended>
}

/** Runs a TypeScript program of this repository with exactly the given environment; modules compiled once serve all. */
export function spawn(
  program: string,
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {}
): Running {
  const file = fileURLToPath(new URL(`../../${program}`, import.meta.url))
  const child = spawnChild(process.execPath, [file, ...args], {
    env: {
      PATH: process.env["PATH"],
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
      ...environment
    },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let stdout = ""
  let stderr = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
  return {
    child,
    printed: async (text) => {
      while (!stdout.includes(text)) {
        if (child.exitCode !== null) throw new Error(`ended before it printed ${text}: ${stdout}${stderr}`)
        await Promise.race([once(child.stdout, "data"), once(child, "close")])
      }
    },
    ended: once(child, "close").then(() => ({ code: child.exitCode, stdout, stderr }))
  }
}

/** Runs the program `sluice` to its end. */
export function sluice(
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {}
): Promise<Ended> {
  return spawn("src/main.ts", args, environment).ended
}
