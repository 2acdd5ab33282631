const rfc3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/

/**
 * The creation time of a stream (RFC 3339 with up to nine decimals, as the server prints it) as a short
 * token for names and ids: its nanoseconds since 1970 in base 36.
 *
 * @throws RangeError when the server's time is in another form: no safe name can be made then.
 */
export const token = (created: string): string => {
  const [, seconds = "", fraction = "", zone = ""] = rfc3339.exec(created) ?? []
  const millis = Date.parse(seconds + zone)
  if (Number.isNaN(millis)) throw new RangeError(`stream creation time "${created}" is not RFC 3339`)
  // The server trims trailing zeros of the fraction.
  return (BigInt(millis) * 1_000_000n + BigInt(fraction.padEnd(9, "0"))).toString(36)
}
