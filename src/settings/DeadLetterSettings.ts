import * as Parser from "./Parser.ts"
import { ofWorker, setting } from "./Setting.ts"

/** How long calls are kept that will not be tried again. */
export const deadLetterSettings = {
  deadLetterMaxAge: setting(
    "dead_letter_max_age",
    Parser.duration("1m", "87600h"),
    "720h",
    "how long dead letters are kept",
    ofWorker
  ),
  deadLetterMaxBytes: setting(
    "dead_letter_max_bytes",
    Parser.integer(65_536, 1_125_899_906_842_624),
    "268435456",
    "how many bytes of dead letters are kept; the oldest go first",
    ofWorker
  )
}
