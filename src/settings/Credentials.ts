/**
 * Hides user, password and token of a URL, or of a list of URLs separated by commas.
 * Works on malformed text too: everything up to the last `@` of a server goes, even when a password
 * contains characters it should have encoded.
 */
export function hide(text: string): string {
  return text
    .split(/,(?=\s*[a-z]+:\/\/)/i)
    .map((server) => server.replace(/^(\s*[a-z]+:\/\/)?.*@/is, "$1***@"))
    .join(",")
}
