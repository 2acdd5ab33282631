/** The text in one line that cannot steer a terminal, whatever a name, header or message contains. */
export const printable = (text: string): string =>
  text.replace(/\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`)

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
// oxlint-disable-next-line no-control-regex
const notText = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/
const longestCharacter = 4

/**
 * The bytes as text for people, or undefined when they are none.
 *
 * @param isCut more bytes followed, so that the last character may be incomplete
 */
export const textOf = (bytes: Uint8Array, isCut: boolean): string | undefined => {
  for (let missing = 0; missing < (isCut ? longestCharacter : 1) && missing <= bytes.length; missing++) {
    try {
      const text = strict.decode(bytes.subarray(0, bytes.length - missing))
      return notText.test(text) ? undefined : text
    } catch {
      continue
    }
  }
  return undefined
}
