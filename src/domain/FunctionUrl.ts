/** Everything that the target of a request may not hold (`#` begins a fragment, which is never sent); the rest is passed on byte for byte. */
const notInRequestLine = /[^\x21\x22\x24-\x7e]+/g

const escaped = (text: string): string =>
  text.replace(notInRequestLine, (run) => encodeURIComponent(run.toWellFormed()))

/**
 * The path of a call's HTTP request: the function's base path + the call's path (`/` when it has none) +
 * `?` and the query string when there is one.
 */
export const requestPath = (basePath: string, path: string, queryString: string): string => {
  const rest = path === "" ? "/" : path.startsWith("/") ? path : `/${path}`
  const query = queryString === "" ? "" : `?${queryString}`
  return escaped(`${basePath.replace(/\/+$/, "")}${rest}${query}`)
}
