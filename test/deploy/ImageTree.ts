/** What a container engine would make of the Dockerfile, without one: its file tree and how it is started. */
import { execFile } from "node:child_process"
import { globSync } from "node:fs"
import { chmod, cp, lstat, mkdir, mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, delimiter, dirname, join, posix } from "node:path"
import { promisify } from "node:util"
import { type Copy, DockerfileParser, type Instruction } from "dockerfile-ast"
import { Effect } from "effect"

const repository = join(import.meta.dirname, "..", "..")

/** The last stage of the Dockerfile. */
export interface ImageTree {
  /** The directory that is `/` in the image. */
  readonly root: string
  readonly workdir: string
  readonly environment: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly baseImage: string
  readonly user: string
  readonly ports: ReadonlyArray<number>
  readonly healthcheck: ReadonlyArray<string>
  readonly entrypoint: ReadonlyArray<string>
  readonly command: ReadonlyArray<string>
  /** Every file and link below `/app` but its node_modules, by its path from there. */
  readonly files: () => ReadonlyArray<string>
}

interface Stage {
  readonly name: string | undefined
  readonly root: string
  readonly baseImage: string
  readonly variables: Map<string, string>
  readonly environment: Map<string, string>
  readonly labels: Map<string, string>
  /** The last value of each instruction that has one: WORKDIR, USER, EXPOSE, HEALTHCHECK, ENTRYPOINT, CMD. */
  readonly values: Map<string, string>
}

/** Carries the Dockerfile out in a directory of its own, which goes with the scope. Any other instruction fails. */
export const build = Effect.gen(function* () {
  const directory = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const made = await mkdtemp(join(tmpdir(), "sluice-image-"))
      // Other users have to get through.
      await chmod(made, 0o755)
      return made
    }),
    (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
  )
  return yield* Effect.promise(async () => {
    const dockerfile = DockerfileParser.parse(await readFile(join(repository, "Dockerfile"), "utf8"))
    const context = join(directory, "context")
    await copyContext(context)
    // As the strictest umask leaves a checkout.
    await promisify(execFile)("chmod", ["-R", "go-rwx", context])
    const global = new Map<string, string>()
    const stages: Array<Stage> = []
    for (const instruction of dockerfile.getInstructions()) {
      const stage = stages.at(-1)
      const keyword = instruction.getKeyword()
      if (keyword === "FROM")
        stages.push(await newStage(instruction, join(directory, `${stages.length}`), global))
      else if (stage === undefined) declare(instruction, global)
      else await carryOut(instruction, stage, stages, context)
    }
    return treeOf(stages.at(-1))
  })
})

/** The build context: what .dockerignore, which here names what is let in, lets in. */
const copyContext = async (context: string) => {
  const lines = (await readFile(join(repository, ".dockerignore"), "utf8")).split("\n")
  const [all, ...rest] = lines.filter((line) => line !== "" && !line.startsWith("#"))
  if (all !== "*" || !rest.every((line) => /^![\w.-]+$/.test(line))) {
    throw new Error(`.dockerignore has to be "*" and then "!name" lines: ${lines.join(" ")}`)
  }
  for (const line of rest) {
    await cp(join(repository, line.slice(1)), join(context, line.slice(1)), { recursive: true })
  }
}

const newStage = async (from: Instruction, root: string, variables: Map<string, string>): Promise<Stage> => {
  const [image = "", as, name] = argumentsOf(from)
  await makeDirectory(root)
  return {
    name: as?.toUpperCase() === "AS" ? name : undefined,
    root,
    baseImage: expand(image, variables),
    variables: new Map(),
    environment: new Map(),
    labels: new Map(),
    values: new Map([["WORKDIR", "/"]])
  }
}

const carryOut = async (
  instruction: Instruction,
  stage: Stage,
  stages: ReadonlyArray<Stage>,
  context: string
) => {
  const keyword = instruction.getKeyword()
  const text = instruction.getArgumentsContent() ?? ""
  switch (keyword) {
    case "ARG":
      return declare(instruction, stage.variables)
    case "ENV":
      return void assignments(text, stage.variables).forEach(([name, value]) =>
        stage.environment.set(name, value)
      )
    case "LABEL":
      return void assignments(text, stage.variables).forEach(([name, value]) => stage.labels.set(name, value))
    case "RUN":
      return void (await run(text, place(stage, "."), stage.environment))
    case "COPY":
      return copy(instruction as Copy, stage, stages, context)
    case "WORKDIR":
      stage.values.set(keyword, posix.resolve(valueOf(stage, "WORKDIR"), text))
      return makeDirectory(place(stage, "."))
    case "USER":
    case "EXPOSE":
    case "HEALTHCHECK":
    case "ENTRYPOINT":
    case "CMD":
      return void stage.values.set(keyword, text)
    default:
      throw new Error(`this reader of Dockerfiles does not know ${keyword}`)
  }
}

const copy = async (instruction: Copy, stage: Stage, stages: ReadonlyArray<Stage>, context: string) => {
  const from = instruction.getFromFlag()?.getValue()
  if (instruction.getFlags().length > (from === undefined ? 0 : 1))
    throw new Error("COPY: only --from is known")
  const names = argumentsOf(instruction)
  const source = from === undefined ? context : stages.find(({ name }) => name === from)?.root
  if (source === undefined) throw new Error(`COPY --from=${from}: no such stage`)
  const target = place(stage, names.at(-1) ?? "")
  for (const name of names.slice(0, -1)) {
    const path = join(source, name)
    // A directory's content is copied, a file into the directory.
    const isDirectory = (await lstat(path)).isDirectory()
    await cp(path, isDirectory ? target : join(target, basename(path)), {
      recursive: true,
      verbatimSymlinks: true
    })
  }
}

/** As an engine makes it, whatever the umask is here. */
const makeDirectory = async (path: string) => {
  await mkdir(path, { recursive: true })
  await chmod(path, 0o755)
}

/** With this machine's npm, its cache and its way to the registry. */
const run = (text: string, cwd: string, environment: ReadonlyMap<string, string>) => {
  // What an npm that runs the tests says of this project is not for the one in the image.
  const outer = Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(?!local_prefix))/.test(name))
  const PATH = `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}`
  const env = { ...Object.fromEntries([...outer, ...environment]), PATH, npm_config_prefer_offline: "true" }
  return promisify(execFile)("/bin/sh", ["-c", `umask 022; ${text}`], { cwd, env })
}

const treeOf = (stage: Stage | undefined): ImageTree => {
  if (stage === undefined) throw new Error("the Dockerfile has no stage")
  return {
    root: stage.root,
    workdir: valueOf(stage, "WORKDIR"),
    environment: Object.fromEntries(stage.environment),
    labels: Object.fromEntries(stage.labels),
    baseImage: stage.baseImage,
    user: valueOf(stage, "USER"),
    ports: valueOf(stage, "EXPOSE").split(/\s+/).map(Number),
    healthcheck: json(valueOf(stage, "HEALTHCHECK").replace(/^.*?\bCMD\s+/s, "")),
    entrypoint: json(valueOf(stage, "ENTRYPOINT")),
    command: json(valueOf(stage, "CMD")),
    files: () =>
      globSync("**/*", { cwd: place(stage, "."), exclude: ["node_modules"], withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => posix.relative(place(stage, "."), join(entry.parentPath, entry.name)))
  }
}

const json = (text: string): ReadonlyArray<string> => JSON.parse(text)

const declare = (instruction: Instruction, variables: Map<string, string>) =>
  assignments(instruction.getArgumentsContent() ?? "", variables).forEach(([name, value]) =>
    variables.set(name, value)
  )

const assignments = (text: string, variables: ReadonlyMap<string, string>) =>
  [...text.matchAll(/(?<name>[\w.-]+)=(?:"(?<quoted>[^"]*)"|(?<plain>\S*))/g)].map(
    ({ groups }) =>
      [groups?.["name"] ?? "", expand(groups?.["quoted"] ?? groups?.["plain"] ?? "", variables)] as const
  )

const expand = (text: string, variables: ReadonlyMap<string, string>) =>
  text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => variables.get(name) ?? "")

const argumentsOf = (instruction: Instruction) =>
  instruction.getArguments().map((argument) => argument.getValue())

const valueOf = (stage: Stage, keyword: string) => {
  const value = stage.values.get(keyword)
  if (value === undefined) throw new Error(`the image has no ${keyword}`)
  return value
}

/** Where a path of the image is on this machine. */
const place = (stage: Stage, path: string) => join(stage.root, posix.resolve(valueOf(stage, "WORKDIR"), path))
