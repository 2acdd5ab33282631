import { Result } from "effect"
import { expect, it } from "vitest"
import * as Moment from "../../src/domain/Moment.ts"

const now = Date.UTC(2026, 10, 20, 13)

it.each([
  ["90s", now - 90_000],
  ["2h30m", now - 9_000_000],
  ["0", now],
  ["2026-11-20T12:00:00Z", Date.UTC(2026, 10, 20, 12)],
  ["2026-11-20t12:00:00.25z", Date.UTC(2026, 10, 20, 12) + 250],
  ["2026-11-20 12:00:00+02:00", Date.UTC(2026, 10, 20, 10)],
  ["2026-11-20", Date.UTC(2026, 10, 20)]
])("%s is a moment", (text, millis) => {
  expect(Moment.parse(text, now)).toEqual(Result.succeed(millis))
})

it.each(["", "yesterday", "-1h", "1", "2026-13-01", "2026-11-20T12:00:00", "12:00"])(
  "%j is none, and what is allowed is told",
  (text) => {
    expect(Moment.parse(text, now)).toEqual(
      Result.fail(expect.stringMatching(/^how long ago, .*2026-11-20$/))
    )
  }
)
