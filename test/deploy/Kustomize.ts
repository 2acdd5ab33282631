import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect, Option } from "effect"
import { parseAllDocuments } from "yaml"
import { fromCache, onPath } from "../support/PackagedPrograms.ts"

/** A Kubernetes object as a manifest has it. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels }
  readonly spec?: unknown
  readonly data?: Readonly<Record<string, string>>
}

export type Labels = Readonly<Record<string, string>>

/** Where all manifests are. */
export const directory = join(import.meta.dirname, "..", "..", "deploy", "kubernetes")
const oldest = [1, 27] as const

/** The `kubectl` on PATH when it is new enough, else Debian's, from the cache or fetched into it. */
const kubectl = Effect.gen(function* () {
  const found = yield* onPath("kubectl")
  if (Option.isSome(found) && (yield* isNewEnough(found.value))) return found.value
  const [packaged = ""] = yield* fromCache({
    name: "kubectl",
    suite: "trixie",
    programs: ["usr/bin/kubectl"]
  })
  return packaged
})

/** What `kubectl apply -k deploy/kubernetes/PATH` would send. */
export const render = Effect.fnUntraced(function* (path: string) {
  const text = yield* output(yield* kubectl, ["kustomize", join(directory, path)])
  return parseAllDocuments(text).map((document): Manifest => document.toJS())
})

const isNewEnough = Effect.fnUntraced(function* (program: string) {
  const { clientVersion } = JSON.parse(yield* output(program, ["version", "--client", "--output=json"]))
  const [major, minor] = [clientVersion.major, clientVersion.minor].map((part: string) =>
    Number.parseInt(part, 10)
  )
  return major === oldest[0] && (minor ?? 0) >= oldest[1]
})

const output = (program: string, args: ReadonlyArray<string>) =>
  Effect.promise(async () => {
    const { stdout } = await promisify(execFile)(program, [...args], { maxBuffer: 2 ** 26 })
    return stdout
  })
