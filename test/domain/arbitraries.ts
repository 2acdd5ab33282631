import * as fc from "fast-check"

/** Every function the names allow. */
export const functionNames = fc.record({
  name: fc
    .array(fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.join(".")),
  namespace: fc.stringMatching(/^[A-Za-z0-9_-]{1,63}$/)
})

/** Texts that are no function: they would reach another path, another subject, or no function at all. */
export const refusedNames = [
  "",
  ".",
  "..",
  ".a",
  "a.",
  "a..b",
  "a..b.c",
  "..a.b",
  "../",
  "../admin",
  "a/b",
  "a\\b",
  "a%2Fb",
  "a%2e%2e",
  "*",
  "a.*",
  ">",
  "a.>",
  "a b",
  " a",
  "a\n",
  "a\t",
  "a\u0000",
  "a\u007f",
  "a=b",
  "a?b",
  "a#b",
  "é",
  "日本"
]
