import { chmod, mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { findOrFetch } from "../../src/natsserver/Fetch.ts"
import { cachedPath, find, ownSuite } from "../../src/natsserver/Find.ts"
import { cacheDirectory, type Machine } from "../../src/natsserver/Machine.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

/** A machine without any nats-server, whose directories are all under `root`. */
const bareMachine = (root: string): Machine => ({
  platform: "darwin",
  environment: { PATH: join(root, "bin"), XDG_CACHE_HOME: join(root, "cache") },
  home: root,
  serverDirectories: [join(root, "sbin")]
})

const writeProgram = (path: string, text = "#!/bin/sh\n") =>
  Effect.promise(async () => {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    await chmod(path, 0o755)
    return path
  })

it.effect(
  "NATS_SERVER_BIN comes before PATH, PATH before the system's directories, those before the cache",
  () =>
    Effect.gen(function* () {
      const root = yield* temporaryDirectory
      const machine = bareMachine(root)
      expect(yield* find(machine)).toEqual(Option.none())

      const cached = yield* writeProgram(cachedPath(ownSuite, machine))
      expect(yield* find(machine)).toEqual(Option.some(cached))
      const system = yield* writeProgram(join(root, "sbin", "nats-server"))
      expect(yield* find(machine)).toEqual(Option.some(system))
      const onPath = yield* writeProgram(join(root, "bin", "nats-server"))
      expect(yield* find(machine)).toEqual(Option.some(onPath))
      const named = yield* writeProgram(join(root, "my-server"))
      const environment = { ...machine.environment, NATS_SERVER_BIN: named }
      expect(yield* find({ ...machine, environment })).toEqual(Option.some(named))
    })
)

it.effect("a NATS_SERVER_BIN that is no program is an error even when there is another server", () =>
  Effect.gen(function* () {
    const root = yield* temporaryDirectory
    const machine = bareMachine(root)
    yield* writeProgram(join(root, "bin", "nats-server"))
    const environment = { ...machine.environment, NATS_SERVER_BIN: root }
    const error = yield* Effect.flip(find({ ...machine, environment }))
    expect(error.message).toContain(`NATS_SERVER_BIN is ${root}`)
  })
)

it.effect("Homebrew installs what is nowhere else", () =>
  Effect.gen(function* () {
    const root = yield* temporaryDirectory
    const server = join(root, "bin", "nats-server")
    yield* writeProgram(
      join(root, "bin", "brew"),
      `#!/bin/sh\n[ "$1" = install ] && /bin/cp "$0" ${server}\n`
    )
    expect(yield* findOrFetch(bareMachine(root))).toBe(server)
  })
)

it.effect.each(["darwin", "linux"] as const)(
  "a bare machine (%s) is told three ways to get a server",
  (platform) =>
    Effect.gen(function* () {
      const root = yield* temporaryDirectory
      const { message } = yield* Effect.flip(findOrFetch({ ...bareMachine(root), platform }))
      expect(message).toContain("install it with your package manager")
      expect(message).toContain("NATS_SERVER_BIN")
      expect(message).toContain("NATS_URL")
    })
)

it("the cache is where the system's users look for caches", () => {
  const machine = { ...bareMachine("/home/me"), environment: {} }
  expect(cacheDirectory(machine, "nats-server")).toBe("/home/me/Library/Caches/sluice/nats-server")
  expect(cacheDirectory({ ...machine, platform: "linux" }, "nats-server")).toBe(
    "/home/me/.cache/sluice/nats-server"
  )
})
