/** The names of all elements of an XML text, in order; throws when it is not well-formed. */
export const elements = (xml: string): ReadonlyArray<string> => {
  const open: Array<string> = []
  const found: Array<string> = []
  const piece =
    /<(?<end>\/)?(?<name>[a-z]+)(?<attributes>(?:\s+[A-Za-z][A-Za-z0-9:-]*="[^"<&]*")*)\s*(?<empty>\/)?>|(?<text>(?:[^<>&]|&(?:amp|lt|gt|quot);)+)/y
  while (piece.lastIndex < xml.length) {
    const at = piece.lastIndex
    const groups = piece.exec(xml)?.groups
    if (groups === undefined) throw new Error(`not well-formed: ${xml.slice(at, at + 80)}`)
    const { attributes = "", empty, end, name, text } = groups
    if (text !== undefined && open.length === 0 && text.trim() !== "") throw new Error(`outside: ${text}`)
    if (name === undefined) continue
    const keys = [...attributes.matchAll(/([A-Za-z][A-Za-z0-9:-]*)=/g)].map(([key]) => key)
    if (new Set(keys).size < keys.length) throw new Error(`an attribute twice: ${attributes}`)
    if (end !== undefined) {
      if (open.pop() !== name) throw new Error(`</${name}> closes another element`)
      continue
    }
    if (open.length === 0 && found.length > 0) throw new Error(`a second root: ${name}`)
    found.push(name)
    if (empty === undefined) open.push(name)
  }
  if (open.length > 0) throw new Error(`not closed: ${open.join(", ")}`)
  return found
}
