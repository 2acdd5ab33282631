import { Result } from "effect"

const why = "it must be an absolute http:// or https:// URL without user, query and fragment"

/**
 * Checks the URL that a function's calls start with.
 *
 * @returns it without trailing slashes, or why it is refused.
 */
export const parse = (text: string): Result.Result<string, string> => {
  // `new URL` is too kind: it takes white space, backslashes and missing slashes.
  if (!/^https?:\/\/[^\s\\?#@]+$/i.test(text) || !URL.canParse(text)) return Result.fail(why)
  return Result.succeed(text.replace(/\/+$/, ""))
}

/** A URL that was refused, quoted for an error message, without the credentials it may hold. */
export const quoted = (text: string): string => JSON.stringify(text.replace(/\/\/[^/]*@/, "//***@"))
