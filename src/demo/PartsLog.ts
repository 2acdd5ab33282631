import { Layer, Logger, References } from "effect"
import * as Logging from "../telemetry/Logging.ts"
import type { Screen } from "./Screen.ts"

/** Warnings that the demo provokes: they are in its table. */
const provoked: ReadonlySet<string> = new Set(["dead letter"])

/** Of what the parts log only warnings nobody has provoked, each once, apart from the line of progress. */
export const layer = (screen: Screen): Layer.Layer<never> => {
  const shown = new Set(provoked)
  const console = Logging.make({
    encoding: "console",
    colour: false,
    write: (line) => screen.note(line.trimEnd())
  })
  const onceEach = Logger.make<unknown, void>((options) => {
    const text = String(Array.isArray(options.message) ? options.message[0] : options.message)
    if (shown.has(text)) return
    shown.add(text)
    console.log(options)
  })
  return Layer.mergeAll(Logger.layer([onceEach]), Layer.succeed(References.MinimumLogLevel)("Warn"))
}
