// The three date forms of HTTP. `Date.parse` alone is no test: it reads "-5" and "1.5" as dates.
const imfFixdate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/
const rfc850 = /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/
const asctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/

const dateMillis = (text: string): number => {
  if (imfFixdate.test(text) || rfc850.test(text)) return Date.parse(text)
  // asctime names no zone and means GMT; without it the worker's own zone would be assumed.
  return asctime.test(text) ? Date.parse(`${text} GMT`) : Number.NaN
}

/**
 * Reads `Retry-After`: seconds or an HTTP date.
 *
 * @returns milliseconds from `nowMillis`, at least 0; `undefined` when there is nothing usable.
 */
export const parse = (value: string | undefined, nowMillis: number): number | undefined => {
  const text = value?.trim() ?? ""
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER)
  const date = dateMillis(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMillis)
}
