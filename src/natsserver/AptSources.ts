/** Where apt gets packages from: the address of an archive, and the key file that signs it when one is named. */
interface AptSource {
  readonly uri: string
  readonly signedBy: string | undefined
}

interface Entry extends AptSource {
  readonly suites: ReadonlyArray<string>
  readonly components: ReadonlyArray<string>
}

/**
 * The source of a release's main packages in the text of apt's files, of which names that end in ".sources" are in
 * deb822 form and others in the one-line form; undefined when none of them has it.
 */
export const sourceOf = (
  release: string,
  files: ReadonlyArray<{ readonly name: string; readonly text: string }>
): AptSource | undefined =>
  files
    .flatMap(({ name, text }) => (name.endsWith(".sources") ? deb822Entries(text) : oneLineEntries(text)))
    .find(({ suites, components }) => suites.includes(release) && components.includes("main"))

/** The same source for another suite, in the one-line form. */
export const oneLine = ({ uri, signedBy }: AptSource, suite: string): string =>
  `deb ${signedBy === undefined ? "" : `[signed-by=${signedBy}] `}${uri} ${suite} main\n`

const oneLineEntries = (text: string): Array<Entry> =>
  text.split("\n").flatMap((line) => {
    const match =
      /^\s*deb\s+(?:\[(?<options>[^\]]*)\]\s+)?(?<uri>\S+)\s+(?<suite>\S+)\s+(?<components>[^#]*)/.exec(line)
    const { options = "", uri = "", suite = "", components = "" } = match?.groups ?? {}
    const signedBy = /signed-by=(\S+)/i.exec(options)?.[1]
    return match ? [{ uri, signedBy: keyFile(signedBy), suites: [suite], components: words(components) }] : []
  })

const deb822Entries = (text: string): Array<Entry> =>
  text.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = fieldsOf(stanza)
    const [uri] = words(fields.get("uris"))
    if (uri === undefined || !words(fields.get("types")).includes("deb") || fields.get("enabled") === "no")
      return []
    const suites = words(fields.get("suites"))
    return [
      { uri, signedBy: keyFile(fields.get("signed-by")), suites, components: words(fields.get("components")) }
    ]
  })

/** Field names in lower case; a value may go on in lines that begin with white space. */
const fieldsOf = (stanza: string): Map<string, string> => {
  const lines = stanza.split("\n").filter((line) => !line.startsWith("#"))
  const fields = lines.join("\n").matchAll(/^(?<name>[^\s:]+):(?<value>.*(?:\n[ \t].*)*)/gm)
  return new Map(
    [...fields].map(({ groups }) => [groups?.["name"]?.toLowerCase() ?? "", groups?.["value"]?.trim() ?? ""])
  )
}

const words = (text = ""): Array<string> => text.split(/\s+/).filter((word) => word !== "")

/** The field may also hold a key itself or its fingerprint; apt's own keyring has Debian's keys then. */
const keyFile = (signedBy: string | undefined): string | undefined =>
  signedBy?.startsWith("/") ? signedBy : undefined
