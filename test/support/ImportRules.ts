import { posix } from "node:path"

/** What a room of src/ may import; "main" and "App" are rooms of one file. */
interface Room {
  /** Rooms right below it; what those may import it may import too. */
  readonly below: ReadonlyArray<string>
  /** Packages only some rooms may use, by the start of the module's name. */
  readonly packages: ReadonlyArray<string>
}

export interface ImportRules {
  readonly rooms: Readonly<Record<string, Room>>
  /** The modules that only the rooms that name them may import. */
  readonly restricted: ReadonlyArray<string>
  /** The names a pure room may take from "effect", with the files that may take more. */
  readonly pure: {
    readonly room: string
    readonly effectNames: ReadonlyArray<string>
    readonly exceptions: Readonly<Record<string, ReadonlyArray<string>>>
    /** The names a file may take from a module that is not "effect", because they only compute. */
    readonly pureModules: Readonly<Record<string, Readonly<Record<string, ReadonlyArray<string>>>>>
  }
  readonly maxLines: number
}

interface Import {
  readonly module: string
  /** The names it takes, as the module calls them; empty for a namespace. */
  readonly names: ReadonlyArray<string>
}

/** Everything in the sources (path below src/ to text) that the rules forbid, one sentence each. */
export const violations = (rules: ImportRules, sources: ReadonlyMap<string, string>): Array<string> => {
  const imports = new Map([...sources].map(([file, text]) => [file, importsOf(text)]))
  return [
    ...[...imports].flatMap(([file, list]) => list.flatMap((each) => forbidden(rules, file, each))),
    ...[...sources].flatMap(([file, text]) => impurities(rules, file, text)),
    ...[...sources].flatMap(([file, text]) => tooLong(rules, file, text)),
    ...cycles(imports)
  ]
}

const importStatement = /^(?:import|export)\s+(?:(?<clause>[\w\s{},*$]+?)\s*\bfrom\s*)?"(?<module>[^"]+)"/gm
const dynamicImport = /\bimport\(\s*"(?<module>[^"]+)"\s*\)/g

const importsOf = (text: string): Array<Import> =>
  [...text.matchAll(importStatement), ...text.matchAll(dynamicImport)].map(({ groups }) => ({
    module: groups?.["module"] ?? "",
    names: namesIn(groups?.["clause"] ?? "")
  }))

const namesIn = (clause: string): Array<string> =>
  (/\{(?<list>[^}]*)\}/.exec(clause)?.groups?.["list"] ?? "")
    .split(",")
    .map((name) =>
      name
        .trim()
        .replace(/^type\s+/, "")
        .replace(/\s+as\s.*/, "")
    )
    .filter((name) => name !== "")

const roomOf = (file: string): string => file.replace(/\/.*|\.ts$/g, "")

const isOurs = (module: string): boolean => module.startsWith(".") && module.endsWith(".ts")

const target = (file: string, module: string): string => posix.join(posix.dirname(file), module)

const forbidden = (rules: ImportRules, file: string, { module, names }: Import): Array<string> => {
  const from = roomOf(file)
  const room = rules.rooms[from]
  if (room === undefined) return [`${file} is in a room without a rule`]
  if (isOurs(module)) {
    const to = roomOf(target(file, module))
    return to === from || reachable(rules, from).has(to)
      ? []
      : [`${file} imports ${module}: ${from} may not see ${to}`]
  }
  const startsModule = (prefix: string) => module === prefix || module.startsWith(prefix)
  if (rules.restricted.some(startsModule) && !room.packages.some(startsModule)) {
    return [`${file} imports ${module}: not for ${from}`]
  }
  if (from !== rules.pure.room) return []
  const fromModule = rules.pure.pureModules[file]?.[module]
  if (fromModule !== undefined && names.length > 0 && names.every((name) => fromModule.includes(name)))
    return []
  const allowed = new Set([...rules.pure.effectNames, ...(rules.pure.exceptions[file] ?? [])])
  if (module !== "effect" || names.length === 0) return [`${file} imports ${module}: ${from} is pure`]
  return names.filter((name) => !allowed.has(name)).map((name) => `${file} imports ${name}: ${from} is pure`)
}

const reachable = (rules: ImportRules, room: string): Set<string> => {
  const found = new Set<string>()
  for (const below of rules.rooms[room]?.below ?? []) {
    found.add(below)
    reachable(rules, below).forEach((further) => found.add(further))
  }
  return found
}

const impure =
  /\b(?:Date\.now\(|new Date\(\)|Math\.random\(|performance\.|process\.|console\.|setTimeout\(|fetch\()/

const impurities = (rules: ImportRules, file: string, text: string): Array<string> => {
  const found = roomOf(file) === rules.pure.room ? impure.exec(text)?.[0] : undefined
  return found === undefined ? [] : [`${file} uses ${found}: ${rules.pure.room} is pure`]
}

const tooLong = ({ maxLines }: ImportRules, file: string, text: string): Array<string> => {
  const lines = text.trimEnd().split("\n").length
  return lines > maxLines ? [`${file} has ${lines} lines, ${maxLines} are the ceiling`] : []
}

const cycles = (imports: ReadonlyMap<string, ReadonlyArray<Import>>): Array<string> => {
  const found: Array<string> = []
  const done = new Set<string>()
  const visit = (file: string, path: ReadonlyArray<string>) => {
    if (path.includes(file)) found.push(`a cycle: ${[...path.slice(path.indexOf(file)), file].join(" -> ")}`)
    if (done.has(file)) return
    done.add(file)
    for (const { module } of imports.get(file) ?? []) {
      if (isOurs(module)) visit(target(file, module), [...path, file])
    }
  }
  for (const file of imports.keys()) visit(file, [])
  return found
}
