import { Predicate, Result, Schema, SchemaIssue } from "effect"
import { isNode, isPair, isMap, isScalar, LineCounter, parseDocument, visit, type Document } from "yaml"
import * as FunctionName from "../domain/FunctionName.ts"
import type { Mistake } from "../files/WatchedFile.ts"
import * as BaseUrl from "./BaseUrl.ts"
import type { FunctionSpec } from "./FunctionSpec.ts"

/** Functions by `FunctionName.key`. */
export type FunctionTable = ReadonlyMap<string, FunctionSpec>

/** A field that is text a parser accepts; the parser's failure is the message. */
const checked = (
  parse: (text: string) => Result.Result<unknown, string>,
  quoted: (text: string) => string = JSON.stringify
) =>
  Schema.String.check(
    Schema.makeFilter((text) =>
      Result.match(parse(text), {
        onFailure: (why) => `is ${quoted(text)}: ${why}`,
        onSuccess: () => undefined
      })
    )
  )

const Texts = Schema.Record(Schema.String, Schema.String)

const Entry = Schema.Struct({
  name: checked((name) => FunctionName.parse(name, "any")),
  namespace: Schema.optionalKey(checked((namespace) => FunctionName.parse("any", namespace))),
  url: checked(BaseUrl.parse, BaseUrl.quoted),
  annotations: Schema.optionalKey(Texts),
  labels: Schema.optionalKey(Texts),
  environment: Schema.optionalKey(Texts)
})
type Entry = typeof Entry.Type

const decodeFile = Schema.decodeUnknownResult(Schema.Struct({ functions: Schema.Array(Entry) }), {
  errors: "all",
  onExcessProperty: "error"
})

/**
 * Reads the text of a functions file: YAML with a list `functions`.
 *
 * @returns the table, or everything that is wrong with the text, in its order.
 */
export const parse = (
  text: string,
  defaultNamespace: string
): Result.Result<FunctionTable, ReadonlyArray<Mistake>> => {
  const lines = new LineCounter()
  const mistake = (offset: number, text: string): Mistake => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col, text }
  }
  // The failsafe schema keeps every value as it was written: a label "1.50" is not the number 1.5.
  const document = parseDocument(text, { schema: "failsafe", lineCounter: lines, prettyErrors: false })
  if (document.errors.length > 0) {
    return Result.fail(document.errors.map((error) => mistake(error.pos[0], error.message)))
  }
  dropKeysWithoutValue(document)

  const converted = Result.try((): unknown => document.toJS())
  // All that is left to fail is an alias without an anchor, and the error does not say where.
  if (Result.isFailure(converted)) return Result.fail([mistake(0, String(converted.failure))])
  const content = converted.success
  const decoded = decodeFile(content)
  const found = [
    ...(Result.isFailure(decoded) ? issuesOf(decoded.failure.issue) : []),
    ...duplicates(content, defaultNamespace)
  ]
  if (Result.isFailure(decoded) || found.length > 0) {
    const mistakes = found.map(({ path, text }) =>
      mistake(offsetOf(document, path), `${shown(path)} ${text}`)
    )
    return Result.fail(mistakes.sort((a, b) => a.line - b.line || a.column - b.column))
  }
  const specs = decoded.success.functions.map((entry) => specOf(entry, defaultNamespace))
  return Result.succeed(new Map(specs.map((spec) => [FunctionName.key(spec.name), spec])))
}

/** `labels:` with nothing after it means that there are none. */
const dropKeysWithoutValue = (document: Document) =>
  visit(document, {
    Pair: (_, { value }) => {
      const empty = value === null || (isScalar(value) && value.type === "PLAIN" && value.value === "")
      return empty ? visit.REMOVE : undefined
    }
  })

const fullName = (name: string, namespace: string | undefined, defaultNamespace: string) =>
  FunctionName.parse(namespace === undefined ? name : `${name}.${namespace}`, defaultNamespace)

const specOf = ({ name, namespace, url, ...maps }: Entry, defaultNamespace: string): FunctionSpec => ({
  annotations: {},
  labels: {},
  environment: {},
  ...maps,
  name: Result.getOrThrow(fullName(name, namespace, defaultNamespace)),
  url: Result.getOrThrow(BaseUrl.parse(url))
})

type Path = ReadonlyArray<PropertyKey>

interface Issue {
  readonly path: Path
  readonly text: string
}

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => {
    switch (issue._tag) {
      case "MissingKey":
        return "is missing"
      case "UnexpectedKey":
        return "is no known key"
      default:
        return SchemaIssue.defaultLeafHook(issue).replace(/^Expected/, "is wrong: expected")
    }
  }
})

const issuesOf = (issue: SchemaIssue.Issue): ReadonlyArray<Issue> =>
  formatIssues(issue).issues.map(({ path = [], message }) => ({
    path: path.map((part) => (typeof part === "object" ? part.key : part)),
    text: message
  }))

// Looked for in what was written and not in what was decoded, so that it is reported with all other mistakes.
const duplicates = (content: unknown, defaultNamespace: string): ReadonlyArray<Issue> => {
  const entries = Predicate.hasProperty(content, "functions") ? content.functions : []
  if (!Array.isArray(entries)) return []
  const seen = new Map<string, number>()
  return entries.flatMap((entry: unknown, index) => {
    if (!Predicate.hasProperty(entry, "name") || !Predicate.isString(entry.name)) return []
    const namespace = Predicate.hasProperty(entry, "namespace") ? String(entry.namespace) : undefined
    const name = fullName(entry.name, namespace, defaultNamespace)
    if (Result.isFailure(name)) return []
    const key = FunctionName.key(name.success)
    const first = seen.get(key)
    if (first === undefined) {
      seen.set(key, index)
      return []
    }
    return [{ path: ["functions", index, "name"], text: `repeats ${key} of functions[${first}]` }]
  })
}

/** Where the key or list entry of the path begins; of a missing one, where what should hold it begins. */
const offsetOf = (document: Document, path: Path): number => {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1))
    if (isPair(pair) && isNode(pair.key)) return pair.key.range?.[0] ?? 0
  }
  const node = document.getIn(path, true)
  if (isNode(node)) return node.range?.[0] ?? 0
  return path.length > 1 ? offsetOf(document, path.slice(0, -1)) : 0
}

const shown = (path: Path): string =>
  path.length === 0
    ? "the file"
    : path.reduce<string>((text, part) => {
        if (typeof part === "number") return `${text}[${part}]`
        return text === "" ? String(part) : `${text}.${String(part)}`
      }, "")
