import { Result } from "effect"

/** What a queue may be called; the endings are those of the streams beside it. */
export const allowed = "1 to 128 of a-z, 0-9, - and _, not ending in _dead, _callbacks, _results or _attempts"

const sideStream = /_(dead|callbacks|results|attempts)$/

/** @returns the name, or what is allowed instead. */
export const parse = (text: string): Result.Result<string, string> =>
  /^[a-z0-9_-]{1,128}$/.test(text) && !sideStream.test(text) ? Result.succeed(text) : Result.fail(allowed)
