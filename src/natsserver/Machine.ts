import { homedir } from "node:os"
import { join } from "node:path"

/** What decides where `nats-server` may be: the kind of system, its environment variables, the user's home. */
export interface Machine {
  readonly platform: NodeJS.Platform
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly home: string
  /** Where the system keeps servers; often not on a user's PATH. */
  readonly serverDirectories: ReadonlyArray<string>
}

export const thisMachine: Machine = {
  platform: process.platform,
  environment: process.env,
  home: homedir(),
  serverDirectories: ["/usr/sbin", "/usr/local/sbin"]
}

/** The user's directory for copies of a program that can be fetched again, one sub-directory for each suite. */
export const cacheDirectory = ({ platform, environment, home }: Machine, program: string): string => {
  const caches = platform === "darwin" ? join(home, "Library", "Caches") : join(home, ".cache")
  return join(environment["XDG_CACHE_HOME"] || caches, "sluice", program)
}
