import { execFile } from "node:child_process"
import { symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect } from "effect"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"
import type { Manifest } from "./Kustomize.ts"

const modules = join(import.meta.dirname, "..", "..", "node_modules")

/**
 * What the schemas of Kubernetes, the Prometheus Operator and KEDA have against the objects, a line each. The JSON
 * schemas do not mind fields that are unknown, as a misspelt one is; the TypeScript types of the same package do.
 */
export const complaints = Effect.fnUntraced(function* (objects: ReadonlyArray<Manifest>) {
  const bySchema = yield* Effect.forEach(objects, validate)
  return [...bySchema.flat(), ...(yield* typeErrors(objects))]
})

/** The module that has the model of a kind; importing it fails for kinds that no package knows. */
const moduleOf = ({ apiVersion, kind }: Manifest): string => {
  if (apiVersion.startsWith("monitoring.coreos.com/")) {
    return `@kubernetes-models/prometheus-operator/${apiVersion}/${kind}`
  }
  if (apiVersion.startsWith("keda.sh/")) return `@kubernetes-models/keda/${apiVersion}/${kind}`
  return `kubernetes-models/${apiVersion}/${kind}`
}

const validate = (object: Manifest) =>
  Effect.promise(async () => {
    const models = await import(moduleOf(object))
    try {
      new models[object.kind](object).validate()
      return []
    } catch (error) {
      return [`${object.kind} ${object.metadata.name}: ${String(error)}`]
    }
  })

const typeErrors = (objects: ReadonlyArray<Manifest>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const lines = objects.map(
        (object, index) =>
          `import type { I${object.kind} as T${index} } from "${moduleOf(object)}"\n` +
          `export const ${object.kind}_${index}: T${index} = ${JSON.stringify(object, null, 1)}\n`
      )
      return yield* Effect.promise(async () => {
        await symlink(modules, join(directory, "node_modules"))
        await writeFile(join(directory, "package.json"), `{ "type": "module" }`)
        await writeFile(join(directory, "objects.ts"), lines.join(""))
        const options = [
          "--noEmit",
          "--strict",
          "--skipLibCheck",
          "--module",
          "nodenext",
          "--target",
          "esnext"
        ]
        try {
          await promisify(execFile)(join(modules, ".bin", "tsc"), [...options, "objects.ts"], {
            cwd: directory
          })
          return []
        } catch (error) {
          return [String(error instanceof Error && "stdout" in error ? error.stdout : error)]
        }
      })
    })
  )
